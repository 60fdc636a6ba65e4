namespace Sluice.Flows;

/// <summary>
/// Allows a processor that resumes per item one read loop at a time: with two, a commit would split items of the other loop.
/// </summary>
/// <remarks>Thread-safe. The error stays: a function that catches it gets it again, and the run fails with it.</remarks>
internal sealed class ItemLoops(string processor)
{
    private readonly Lock sync = new();
    private string? current;                         // the streams of the running loop
    private FlowException? failure;

    /// <summary>Begins a loop, which ends when the result is disposed.</summary>
    /// <param name="streams">The streams that it reads, for people.</param>
    /// <exception cref="FlowException">Another loop is running.</exception>
    public IDisposable Enter(string streams)
    {
        lock (sync)
        {
            if (current is not null)
                throw failure = new FlowException(
                    $"The processor {processor} reads {streams} while it reads {current}. It resumes per item, and would be committed in "
                        + $"the middle of items. Read them together (Zip, Merge), one behind the other, or let it resume from scratch.");
            current = streams;
            return new Loop(this);
        }
    }

    /// <exception cref="FlowException">Two loops ran at a time.</exception>
    public void Check()
    {
        lock (sync)
            if (failure is not null) throw failure;
    }

    private sealed class Loop(ItemLoops loops) : IDisposable
    {
        private bool hasEnded;

        public void Dispose()
        {
            lock (loops.sync)
            {
                if (hasEnded) return;
                hasEnded = true;
                loops.current = null;
            }
        }
    }
}
