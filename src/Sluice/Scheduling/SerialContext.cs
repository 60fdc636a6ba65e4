namespace Sluice.Scheduling;

/// <summary>Returns continuations of user code to the scheduler of the run.</summary>
/// <remarks>
/// A posted callback may throw: an <c>async void</c> method of user code. The exception goes to <c>failed</c>; the driving thread
/// continues.
/// </remarks>
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
