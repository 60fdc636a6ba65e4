namespace Sluice.Scheduling;

/// <summary>Handles tasks that may never be awaited.</summary>
internal static class Unawaited
{
    /// <summary>
    /// Marks a possible failure as observed; awaiting the task still throws. Otherwise the finalizer would report it without any context.
    /// </summary>
    /// <returns>The task.</returns>
    public static Task Observed(this Task task)
    {
        _ = task.ContinueWith(static done => _ = done.Exception, CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return task;
    }
}
