namespace Sluice;

/// <summary>Tasks that nobody may come to wait for.</summary>
internal static class Unawaited
{
    /// <summary>If it fails, whoever waits for it is told, and nobody else: a failure that nobody has seen would be reported by the finalizer, without a place.</summary>
    /// <returns>The task.</returns>
    public static Task Observed(this Task task)
    {
        task.ContinueWith(static done => _ = done.Exception, CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return task;
    }
}
