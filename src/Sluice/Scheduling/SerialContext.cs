namespace Sluice;

/// <summary>Brings continuations of user code back to the scheduler of the run.</summary>
/// <remarks>What is posted may throw: an <c>async void</c> method of the user's. That is given to <c>failed</c>, and does not stop who drives.</remarks>
internal sealed class SerialContext(RunScheduler scheduler, Action<Exception> failed) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => scheduler.Schedule(new Posted(d, state, failed));

    public override void Send(SendOrPostCallback d, object? state)
        => throw new NotSupportedException("Send would deadlock: a serial scheduler runs one thing at a time. Use Post.");

    public override SynchronizationContext CreateCopy() => this;

    private sealed class Posted(SendOrPostCallback callback, object? state, Action<Exception> failed) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            try
            {
                callback(state);
            }
            catch (Exception e)
            {
                failed(e);
            }
        }
    }
}
