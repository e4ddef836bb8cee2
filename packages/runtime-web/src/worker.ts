import { serveDetector, type WorkerScope } from './serve.ts';

serveDetector(globalThis as unknown as WorkerScope);
