namespace Sluice;

/// <summary>Brings continuations of user code back to the scheduler of the run.</summary>
internal sealed class SerialContext(RunScheduler scheduler) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => scheduler.Schedule(new Posted(d, state));

    public override void Send(SendOrPostCallback d, object? state)
        => throw new NotSupportedException("Send would deadlock: a serial scheduler runs one thing at a time. Use Post.");

    public override SynchronizationContext CreateCopy() => this;

    private sealed class Posted(SendOrPostCallback callback, object? state) : IThreadPoolWorkItem
    {
        public void Execute() => callback(state);
    }
}
