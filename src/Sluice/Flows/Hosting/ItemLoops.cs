namespace Sluice;

/// <summary>A processor that resumes per item reads in one loop at a time: an item of one would be committed with half of an item of the other.</summary>
/// <remarks>Thread-safe. Who has caught the error gets it again, and so does the run.</remarks>
internal sealed class ItemLoops(string processor)
{
    private readonly Lock sync = new();
    private string? current;                         // the streams that are read
    private FlowException? failure;

    /// <summary>A loop begins; it ends when the result is disposed.</summary>
    /// <param name="streams">What it reads, for people.</param>
    /// <exception cref="FlowException">There is one already.</exception>
    public IDisposable Enter(string streams)
    {
        lock (sync)
        {
            if (current is not null)
                throw failure = new FlowException(
                    $"The processor {processor} reads {streams} while it reads {current}. It resumes per item, and would be committed in the middle of items. Read them together (Zip, Merge), one behind the other, or let it resume from scratch.");
            current = streams;
            return new Loop(this);
        }
    }

    /// <exception cref="FlowException">There were two at a time.</exception>
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
