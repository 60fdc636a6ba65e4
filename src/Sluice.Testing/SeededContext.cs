namespace Sluice.Testing;

/// <summary>The synchronization context of a seeded run: continuations return to its scheduler.</summary>
internal sealed class SeededContext(SeededScheduler scheduler) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => scheduler.Schedule(new Posted(d, state));

    public override void Send(SendOrPostCallback d, object? state)
        => throw new NotSupportedException("Send would deadlock: a seeded scheduler runs one thing at a time. Use Post.");

    public override SynchronizationContext CreateCopy() => this;

    private sealed class Posted(SendOrPostCallback callback, object? state) : IThreadPoolWorkItem
    {
        public void Execute() => callback(state);
    }
}
