namespace Sluice.Scheduling;

/// <summary>A fair asynchronous lock: one holder at a time, in the order of arrival; a waiting caller may cancel. Thread-safe.</summary>
internal sealed class AsyncLock
{
    private readonly Lock sync = new();
    private readonly Queue<TaskCompletionSource> waiting = new();
    private bool held;

    public Task EnterAsync(CancellationToken cancellation)
    {
        TaskCompletionSource turn;
        lock (sync)
        {
            if (!held)
            {
                held = true;
                return Task.CompletedTask;
            }
            turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Enqueue(turn);
        }
        return WaitAsync(turn, cancellation);
    }

    public void Leave()
    {
        while (true)
        {
            TaskCompletionSource? next;
            lock (sync)
            {
                if (!waiting.TryDequeue(out next))
                {
                    held = false;
                    return;
                }
            }
            if (next.TrySetResult()) return;
        }
    }

    private static async Task WaitAsync(TaskCompletionSource turn, CancellationToken cancellation)
    {
        using CancellationTokenRegistration _ = cancellation.UnsafeRegister(static (turn, token) =>
            ((TaskCompletionSource)turn!).TrySetCanceled(token), turn);
        await turn.Task.ConfigureAwait(false);
    }
}
