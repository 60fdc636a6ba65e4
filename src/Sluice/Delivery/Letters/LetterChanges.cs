namespace Sluice.Delivery;

/// <summary>Redrives or deletes dead letters, by number. A letter is changed once; a later call does not find it.</summary>
/// <remarks>Thread-safe.</remarks>
internal static class LetterChanges
{
    private const int Tries = 5;
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(20);

    public static Task<int> RedriveAsync(ConsecutorCore core, IReadOnlyList<LetterPlace> letters, DamagedPartitions damaged,
        CancellationToken cancellation)
        => DoAsync(core, letters, damaged, core.Store.RedriveAsync, core.Ledger.Redrive, cancellation);

    public static Task<int> DeleteAsync(ConsecutorCore core, IReadOnlyList<LetterPlace> letters, DamagedPartitions damaged,
        CancellationToken cancellation)
        => DoAsync(core, letters, damaged, core.Store.DeleteDeadAsync, core.Ledger.Delete, cancellation);

    /// <summary>Repeats a call whose answer was lost, for the letters that are still there; the others were changed.</summary>
    private static async Task<int> DoAsync(ConsecutorCore core, IReadOnlyList<LetterPlace> letters, DamagedPartitions damaged,
        Func<GroupId, IReadOnlyList<long>, CancellationToken, ValueTask<int>> change, Action<long> count, CancellationToken cancellation)
    {
        LedgerChange counting = core.Ledger.BeginChange(isOfLetters: true);
        try
        {
            return await RepeatAsync(core, letters, damaged, change, Count, cancellation).ConfigureAwait(false);
        }
        catch
        {
            core.Doubts.Add();                       // the store may have changed letters that are not counted
            core.Pump.Changed();
            throw;
        }
        finally
        {
            core.EndChange(counting);
        }

        void Count(int more)
        {
            count(more);
            core.Pump.Changed();
        }
    }

    private static async Task<int> RepeatAsync(ConsecutorCore core, IReadOnlyList<LetterPlace> letters, DamagedPartitions damaged,
        Func<GroupId, IReadOnlyList<long>, CancellationToken, ValueTask<int>> change, Action<int> count, CancellationToken cancellation)
    {
        int changed = 0;
        bool isUnsure = false;
        TimeSpan wait = FirstWait;
        for (int tried = 1; (letters = damaged.LeaveOut(letters)).Count > 0; tried++)
        {
            try
            {
                if (isUnsure)
                {
                    List<LetterPlace> left = await LeftAsync(core, letters, cancellation).ConfigureAwait(false);
                    if (left.Count < letters.Count) core.Doubts.Add();       // another program may have deleted them
                    Count(letters.Count - left.Count);
                    (letters, isUnsure) = (left, false);
                    continue;
                }
                isUnsure = true;
                Count(await change(core.Group, [.. letters.Select(static letter => letter.Number)], cancellation).ConfigureAwait(false));
                break;
            }
            catch (StreamStoreException e) when (damaged.Note(e, letters))
            {
                tried--;                             // the letters of other partitions have all their tries
                continue;
            }
            catch (StreamStoreException e) when (tried < Tries && !e.IsPermanent && !core.Lifetime.Token.IsCancellationRequested)
            {
                // Repeat the call.
            }
            await RetryPause.WaitAsync(wait, core.Time, cancellation).ConfigureAwait(false);
            wait *= 2;
        }
        return changed;

        void Count(int more)
        {
            changed += more;
            count(more);
        }
    }

    private static async Task<List<LetterPlace>> LeftAsync(ConsecutorCore core, IReadOnlyList<LetterPlace> letters,
        CancellationToken cancellation)
    {
        HashSet<long> found = [];
        for (long after = letters[0].Number - 1, last = letters[^1].Number; after < last;)
        {
            IReadOnlyList<StoredDeadLetter> page = await core.Store.ListDeadAsync(core.Group, null, after, letters.Count, cancellation)
                .ConfigureAwait(false);
            if (page.Count == 0) break;
            after = page[^1].Number;
            found.UnionWith(page.Select(static letter => letter.Number));
        }
        return [.. letters.Where(letter => found.Contains(letter.Number))];
    }
}
