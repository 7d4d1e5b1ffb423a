/** Waiting for a cluster, and having stopped to. */
export { GivenUp, Waiting } from '@/shared/ui/waiting';
