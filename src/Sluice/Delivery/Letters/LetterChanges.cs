namespace Sluice.Delivery;

/// <summary>Redrives or deletes dead letters, by number. A letter is changed once; a later call does not find it.</summary>
/// <remarks>Thread-safe.</remarks>
internal static class LetterChanges
{
    private const int Tries = 5;
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(20);

    public static Task<int> RedriveAsync(ConsecutorCore core, IReadOnlyList<long> numbers, CancellationToken cancellation)
        => DoAsync(core, numbers, core.Store.RedriveAsync, redriven =>
    {
        core.Ledger.Redrive(redriven);
        core.Pump.Changed();
    }, cancellation);

    public static Task<int> DeleteAsync(ConsecutorCore core, IReadOnlyList<long> numbers, CancellationToken cancellation)
        => DoAsync(core, numbers, core.Store.DeleteDeadAsync, deleted => core.Ledger.Delete(deleted), cancellation);

    /// <summary>Repeats a call whose answer was lost, for the letters that are still there; the others were changed.</summary>
    private static async Task<int> DoAsync(
        ConsecutorCore core, IReadOnlyList<long> numbers, Func<GroupId, IReadOnlyList<long>, CancellationToken, ValueTask<int>> change,
            Action<int> count, CancellationToken cancellation)
    {
        core.Ledger.BeginLetterChange();
        try
        {
            return await RepeatAsync(core, numbers, change, count, cancellation).ConfigureAwait(false);
        }
        finally
        {
            core.Ledger.EndLetterChange();
        }
    }

    private static async Task<int> RepeatAsync(
        ConsecutorCore core, IReadOnlyList<long> numbers, Func<GroupId, IReadOnlyList<long>, CancellationToken, ValueTask<int>> change,
            Action<int> count, CancellationToken cancellation)
    {
        int changed = 0;
        bool isUnsure = false;
        TimeSpan wait = FirstWait;
        for (int tried = 1; numbers.Count > 0; tried++)
        {
            try
            {
                if (isUnsure)
                {
                    List<long> left = await LeftAsync(core, numbers, cancellation).ConfigureAwait(false);
                    Count(numbers.Count - left.Count);
                    (numbers, isUnsure) = (left, false);
                    continue;
                }
                isUnsure = true;
                Count(await change(core.Group, numbers, cancellation).ConfigureAwait(false));
                break;
            }
            catch (StreamStoreException e) when (tried < Tries && !e.IsPermanent && !core.Lifetime.Token.IsCancellationRequested)
            {
                // Repeat the call.
            }
            await Task.Delay(wait, core.Time, cancellation).ConfigureAwait(false);
            wait *= 2;
        }
        return changed;

        void Count(int more)
        {
            changed += more;
            count(more);
        }
    }

    private static async Task<List<long>> LeftAsync(ConsecutorCore core, IReadOnlyList<long> numbers, CancellationToken cancellation)
    {
        var wanted = numbers.ToHashSet();
        List<long> left = [];
        for (long after = numbers[0] - 1, last = numbers[^1]; after < last;)
        {
            IReadOnlyList<StoredDeadLetter> page = await core.Store.ListDeadAsync(core.Group, null, after, numbers.Count, cancellation)
                .ConfigureAwait(false);
            if (page.Count == 0) break;
            after = page[^1].Number;
            left.AddRange(page.Select(letter => letter.Number).Where(wanted.Contains));
        }
        return left;
    }
}
