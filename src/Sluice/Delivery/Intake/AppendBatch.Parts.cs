using Sluice.Diagnostics;

namespace Sluice.Delivery;

// A stream that has no room for all entries may have room for the first ones: they are appended as a part. So that each sender is told what
// became of its own entries, every few entries have a task of their own: a group, which is accepted as a whole.
internal sealed partial class AppendBatch
{
    /// <summary>The entries of a group. More would need more room at once, and fewer would cost each item more.</summary>
    private const int GroupEntries = 16;

    private readonly List<Group> groups = [];        // those that are full
    private TaskCompletionSource last = NewSignal(); // of the group behind them
    private AppendBatch? part;                       // see First

    /// <summary>Completes when the last entry that was added is accepted, and fails with the append. Under the lock of the
    /// appender.</summary>
    public Task Done => last.Task;

    // Called behind each entry that was added.
    private void BeginGroupIfFull()
    {
        if (entries.Count - 1 - (groups.Count > 0 ? groups[^1].End : 0) < GroupEntries) return;
        groups.Add(new(last, entries.Count - 1, Mark));
        last = NewSignal();
    }

    /// <summary>Returns the first groups of entries as a batch of their own, to append them alone.</summary>
    /// <param name="most">The number of entries that it has at most, or those of one group.</param>
    /// <returns>This batch if it has no more, or if the ticket of each entry is not known.</returns>
    public AppendBatch First(int most)
    {
        int withTickets = entries.Count - (Mark is null ? 0 : 1);        // the entry of buried bytes has none
        if (entries.Count <= most || groups.Count == 0 || (Tickets.Count > 0 && Tickets.Count < withTickets)) return this;
        Group until = groups[0];
        foreach (Group one in groups)
            if (one.End <= most) until = one;
        int count = until.End;
        part ??= new(identity, stream);
        part.ResetEntries(entries.MaxEntryBytes);
        for (int i = 0; i < count; i++) part.entries.Add(entries, i);
        part.Mark = until.Mark;
        if (Tickets.Count == 0) return part;
        part.Tickets.AddRange(Tickets.GetRange(0, count));
        part.places.AddRange(places.GetRange(0, count));
        return part;
    }

    /// <summary>Forgets the entries of the part, which are accepted, and tells their senders.</summary>
    /// <param name="count">Their number.</param>
    public void AcceptFirst(int count)
    {
        EntryBatch all = entries;
        entries = New(identity, all.MaxEntryBytes);
        for (int i = count; i < all.Count; i++) entries.Add(all, i);
        all.Dispose();
        foreach (SendHandle handle in handles) handle.Accept(count);
        handles.RemoveAll(static handle => handle.IsAccepted);
        if (Tickets.Count > 0)
        {
            for (int i = 0; i < count; i++) Tickets[i].Settle(Outcome.Completed);
            Tickets.RemoveRange(0, count);
            places.RemoveRange(0, count);
        }
        for (int i = 0; i < sends?.Count; i++)
        {
            var (send, end) = sends[i];
            if (end <= count) Telemetry.End(send);
            sends[i] = (send, end - count);
        }
        sends?.RemoveAll(static one => one.End <= 0);
        for (int i = 0; i < groups.Count; i++)
        {
            if (groups[i].End <= count) groups[i].Done.TrySetResult();
            groups[i] = groups[i] with { End = groups[i].End - count };
        }
        groups.RemoveAll(static group => group.End <= 0);
    }

    /// <summary>Tells the senders how the append of what is left has ended. The spans of all are ended before.</summary>
    public void TellSenders(Exception? failure)
    {
        if (failure is null)
            foreach (Ticket ticket in Tickets) ticket.Settle(Outcome.Completed);
        foreach (Group one in groups) End(one.Done);
        End(last);
        foreach (SendHandle handle in handles) handle.End(failure);

        void End(TaskCompletionSource done)
        {
            if (failure is null) done.TrySetResult();
            else if (done.TrySetException(failure)) _ = done.Task.Exception;
        }
    }

    /// <summary>Completes the task of each group of which all entries were withdrawn, and forgets the group.</summary>
    private void RemoveEmptyGroups()
    {
        int end = 0;
        groups.RemoveAll(group =>
        {
            bool isEmpty = group.End == end;
            if (isEmpty) group.Done.TrySetResult();
            end = group.End;
            return isEmpty;
        });
    }

    private void ResetGroups()
    {
        groups.Clear();
        last = NewSignal();
        part?.entries.Dispose();
        part = null;
    }

    // The entries of a part are replaced at each try.
    private void ResetEntries(int maxEntryBytes)
    {
        entries.Clear();
        Tickets.Clear();
        places.Clear();
        if (entries.MaxEntryBytes == maxEntryBytes) return;
        entries.Dispose();
        entries = New(identity, maxEntryBytes);
    }

    /// <summary>Entries that are accepted as a whole.</summary>
    /// <param name="Done">Completes when they are accepted.</param>
    /// <param name="End">The index behind the last one.</param>
    /// <param name="Mark">The position behind the last one; null if it follows from its place.</param>
    private readonly record struct Group(TaskCompletionSource Done, int End, ReadOnlyMemory<byte>? Mark);
}
