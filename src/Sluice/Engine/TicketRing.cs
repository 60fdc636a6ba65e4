using Sluice.Diagnostics;

namespace Sluice.Engine;

/// <summary>The tickets of one source, in a ring that is swept when the source needs room for the next ticket.</summary>
/// <remarks>
/// Only the source's island calls <see cref="Next"/>. Any thread may call <see cref="Count"/>; it takes the same lock as a sweep, so the
/// counts always add up.
/// </remarks>
/// <param name="source">The node of the source.</param>
/// <param name="ended">Called on any thread for each item that has ended; null if not needed.</param>
internal sealed class TicketRing(int source, Action? ended = null)
{
    private readonly Lock sweeping = new();
    private readonly long[] ends = new long[3];
    private Ticket?[] slots = new Ticket?[64];
    private long head;                               // the next sequence
    private long tail;                               // the oldest not swept
    private volatile bool hasFailed, hasLeftOut;

    /// <summary>
    /// Whether an item has failed so that the run ends (<see cref="Ticket.Cut"/>). Known only if the source is told of ends, and before
    /// it is told of the end of that item. Any thread.
    /// </summary>
    public bool HasFailed => hasFailed;

    /// <summary>Whether a stage has left out a part of an item because it takes no more. Known like <see cref="HasFailed"/>.</summary>
    public bool HasLeftOut => hasLeftOut;

    /// <summary>The number of the oldest item that may not have ended, as of the last sweep. For the source's island.</summary>
    public long Oldest => Volatile.Read(ref tail);

    /// <summary>Sweeps, and returns the number of the oldest item that has not ended. For the source's island.</summary>
    public long SweepOldest()
    {
        lock (sweeping)
        {
            Sweep();
            return tail;
        }
    }

    public Ticket Next()
    {
        if (head - tail == slots.Length) MakeRoom();
        ref Ticket? slot = ref slots[head & (slots.Length - 1)];
        slot ??= ended is null ? Ticket.For(source) : new ToldTicket(this, source, ended);
        slot.Open(head);
        Volatile.Write(ref head, head + 1);
        return slot;
    }

    public ItemCounts Count()
    {
        lock (sweeping)
        {
            Sweep();
            long accepted = Volatile.Read(ref head);
            long completed = ends[(int)Outcome.Completed], skipped = ends[(int)Outcome.Skipped], failed = ends[(int)Outcome.Failed];
            for (long i = tail; i < accepted; i++)
            {
                Ticket ticket = slots[i & (slots.Length - 1)]!;
                if (!ticket.IsSettled) continue;
                if (ticket.Outcome == Outcome.Completed) completed++;
                else if (ticket.Outcome == Outcome.Skipped) skipped++;
                else failed++;
            }
            return new(accepted, completed, skipped, failed, accepted - completed - skipped - failed);
        }
    }

    private void MakeRoom()
    {
        lock (sweeping)
        {
            Sweep();
            if (head - tail <= slots.Length / 2) return;
            var larger = new Ticket?[slots.Length * 2];
            for (long i = tail; i < head; i++) larger[i & (larger.Length - 1)] = slots[i & (slots.Length - 1)];
            slots = larger;
        }
    }

    private void Sweep()
    {
        long end = Volatile.Read(ref head);
        for (; tail < end; tail++)
        {
            Ticket ticket = slots[tail & (slots.Length - 1)]!;
            if (!ticket.IsSettled) return;
            ends[(int)ticket.Outcome]++;
        }
    }

    /// <summary>A ticket that tells its source when it has settled.</summary>
    private sealed class ToldTicket : Ticket
    {
        private readonly TicketRing ring;
        private readonly Action ended;

        public ToldTicket(TicketRing ring, int source, Action ended)
        {
            (this.ring, this.ended) = (ring, ended);
            (Source, TellsEnd) = (source, true);
        }

        public override void Cut(bool isFailure)
        {
            if (isFailure) ring.hasFailed = true;
            else ring.hasLeftOut = true;
            base.Cut(isFailure);
        }

        protected override void OnSettled() => ended();
    }
}
