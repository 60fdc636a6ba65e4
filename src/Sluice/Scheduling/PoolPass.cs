namespace Sluice;

/// <summary>
/// A pass through the thread pool's common queue: it ends when the work that is queued there now has begun. <see cref="ConfigureAwaitOptions.ForceYielding"/> goes to the queue of the
/// present thread instead, and comes before that work.
/// </summary>
/// <remarks>Used once. No lock.</remarks>
internal sealed class PoolPass : IThreadPoolWorkItem
{
    private readonly TaskCompletionSource done = new();

    private PoolPass()
    {
    }

    /// <summary>Goes behind the work that is queued now. What follows is executed by a thread of the pool.</summary>
    public static Task TakeAsync()
    {
        var pass = new PoolPass();
        ThreadPool.UnsafeQueueUserWorkItem(pass, preferLocal: false);
        return pass.done.Task;
    }

    void IThreadPoolWorkItem.Execute() => done.SetResult();
}
