namespace Sluice.Scheduling;

/// <summary>A pass through the thread pool's global queue: it ends when the work that is queued there now has begun.</summary>
/// <remarks>
/// Used once; no lock. <see cref="ConfigureAwaitOptions.ForceYielding"/> would use the local queue of the current thread instead, and
/// overtake that work.
/// </remarks>
internal sealed class PoolPass : IThreadPoolWorkItem
{
    private readonly TaskCompletionSource done = new();

    private PoolPass()
    {
    }

    /// <summary>Queues behind the current work. The caller resumes on a thread of the pool.</summary>
    public static Task TakeAsync()
    {
        var pass = new PoolPass();
        ThreadPool.UnsafeQueueUserWorkItem(pass, preferLocal: false);
        return pass.done.Task;
    }

    void IThreadPoolWorkItem.Execute() => done.SetResult();
}
