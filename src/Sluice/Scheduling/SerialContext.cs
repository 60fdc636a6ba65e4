namespace Sluice.Scheduling;

/// <summary>Returns continuations of user code to the scheduler of the run.</summary>
/// <remarks>
/// A posted callback may throw: an <c>async void</c> method of user code. The exception goes to the run; the driving thread continues.
/// </remarks>
internal sealed class SerialContext(RunScheduler scheduler, ITakesFailures run) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => scheduler.Schedule(new Posted(d, state, run));

    public override void Send(SendOrPostCallback d, object? state)
        => throw new NotSupportedException("Send would deadlock: a serial scheduler runs one thing at a time. Use Post.");

    public override SynchronizationContext CreateCopy() => this;

    private sealed class Posted(SendOrPostCallback callback, object? state, ITakesFailures run) : IThreadPoolWorkItem
    {
        public void Execute()
        {
            try
            {
                callback(state);
            }
            catch (Exception e)
            {
                run.FailOutside(e);
            }
        }
    }
}

/// <summary>Takes the failures of code that nothing awaits.</summary>
internal interface ITakesFailures
{
    void FailOutside(Exception cause);
}
