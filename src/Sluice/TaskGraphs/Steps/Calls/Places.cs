namespace Sluice;

/// <summary>How many bodies may run at a time. First come, first served; those that have started before go first.</summary>
/// <remarks>Thread-safe. A place that somebody gives back goes to the next without being free in between, so nobody is overtaken and nothing is idle while somebody waits.</remarks>
internal sealed class Places(int count)
{
    private readonly Lock sync = new();
    private readonly Queue<Seat> newcomers = new();
    private readonly Queue<Seat> returning = new();
    private int free = count;

    public int Count { get; } = count;

    /// <returns>Whether there is one at once; if not, <see cref="Seat.TryGrant"/> is called when there is.</returns>
    public bool TryTake(Seat seat, bool isReturning)
    {
        lock (sync)
        {
            if (free > 0)
            {
                free--;
                return true;
            }
            (isReturning ? returning : newcomers).Enqueue(seat);
            return false;
        }
    }

    public void Give(ref Released released)
    {
        while (true)
        {
            Seat? next;
            lock (sync)
            {
                if (!returning.TryDequeue(out next) && !newcomers.TryDequeue(out next))
                {
                    free++;
                    return;
                }
            }
            if (next.TryGrant(this, ref released)) return;
        }
    }
}
