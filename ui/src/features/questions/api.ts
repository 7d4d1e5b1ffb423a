/** What is asked of the person, and their answers. */
import { NOTHING, useChange, useRead } from '@/ipc/query';

export type { AnswerReq, QuestionView, UiFault } from '@/ipc/bindings';

export const useQuestions = () => useRead('question_list', NOTHING, { every: 15_000 });
export const useAnswer = () => useChange('question_answer');
