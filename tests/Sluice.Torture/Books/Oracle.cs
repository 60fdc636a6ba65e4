using System.Globalization;

namespace Sluice.Torture;

/// <summary>What a case has come to; also the sum of several.</summary>
internal sealed record Verdict(long Accepted, long Completed, long Dead, long Lost, long Duplicated, long Mismatched)
{
    public bool IsGood => Lost + Duplicated + Mismatched == 0;

    public static Verdict operator +(Verdict a, Verdict b) => new(
        a.Accepted + b.Accepted, a.Completed + b.Completed, a.Dead + b.Dead, a.Lost + b.Lost, a.Duplicated + b.Duplicated,
            a.Mismatched + b.Mismatched);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"accepted: {Accepted}\ncompleted: {Completed}\ndead: {Dead}\nlost: {Lost}\nduplicated-in-store: {Duplicated}\n"
            + $"state-mismatch: {Mismatched}");
}

/// <summary>Compares the accounts with what must have become of every item. Knows the pipeline, and nothing of how the library
/// works.</summary>
internal sealed class Oracle(Case @case, Accounts accounts, IEnumerable<string> places)
{
    private Tally tally;
    private long accepted, completed, dead, letters, crashes, lost, duplicated, mismatched;

    /// <summary>What is wrong, a line each.</summary>
    public List<string> Findings { get; } = [];

    public Verdict Judge()
    {
        foreach (string problem in accounts.Problems) Mismatch(null, problem);
        var owners = new Dictionary<string, long>();
        foreach (var (number, account) in accounts.All)
        {
            foreach (string id in account.Ids)
                if (!owners.TryAdd(id, number)) Mismatch(number, $"has the id {id}, which item {owners[id]} has as well");
            Judge(number, account);
        }
        if (crashes > accounts.KilledLives)
            Mismatch(null,
                $"{crashes} attempts were charged for crashes to items that are dead now, and there were {accounts.KilledLives} crashes: "
                    + $"each charges one at most");
        CompareClaims();
        JudgeOrder();
        if (@case.HasState && tally != accounts.Tally)
            Mismatch(null, $"what was remembered is {accounts.Tally}, and {tally} have completed");
        return new(accepted, completed, dead, lost, duplicated, mismatched);
    }

    private void Judge(long number, Account account)
    {
        bool isDead = account.Letters.Count > 0;
        bool hasEnded = isDead || account.Completions > 0;
        if (hasEnded || account.IsAcknowledged) accepted++;
        if (isDead) dead++;
        else if (hasEnded) completed++;
        // Where there is state, an item dies as a whole; unless a list of it was divided, whose parts die by themselves.
        if (account.Completions > 0) tally = new(tally.Count + 1, tally.Sum + number);
        letters += account.Letters.Count;

        if (!account.IsSent) Mismatch(number, "was never sent");
        if (account.IsAcknowledged && !hasEnded) Lose(number, "was accepted and has no end");
        if (isDead && account.Completions == 0 && account.Letters.All(letter => letter.Trace.Length > 0))
            Mismatch(number, "is dead in parts, and nothing says that its first stages have ended");
        if (account.Completions > 1) Duplicate(number, $"has completed {account.Completions} times");
        if (account.Ids.Count > 1) Mismatch(number, $"has several ids: {string.Join(", ", account.Ids)}");

        var walk = new Walk();
        string[] expected = [.. @case.Body.Expect(@case.WorkOf(number), walk).Select(work => work.Trace)];
        foreach (string place in places) Compare(number, place, account, expected);
        foreach (Extra extra in @case.Extras) JudgeExtra(number, account, extra);
        JudgeLetters(number, account, walk);
        JudgeAttempts(number, account);
    }

    // Every part is in every place once; of an item that died, those that no letter stands for.
    private void Compare(long number, string place, Account account, string[] expected)
    {
        bool hasEnded = account.Completions + account.Letters.Count > 0;
        var missing = expected.GroupBy(trace => trace).ToDictionary(same => same.Key, same => same.Count());
        foreach (string trace in account.FoundIn(place))
        {
            if (!missing.TryGetValue(trace, out int left)) Mismatch(number, $"has among the {place} '{trace}', which nobody makes of it");
            else if (left == 0) Duplicate(number, $"has among the {place} '{trace}' once too often");
            else missing[trace] = left - 1;
            if (account.Letters.Any(letter => letter.StandsFor(trace)))
                Mismatch(number, $"has among the {place} '{trace}', and a letter that stands for it");
        }
        string[] lost = [.. missing.Where(part => part.Value > 0 && !account.Letters.Any(letter => letter.StandsFor(part.Key)))
            .Select(part => part.Key)];
        if (hasEnded && lost.Length > 0) Lose(number,
            $"has ended, and of its {expected.Length} parts these are not among the {place}: {string.Join(", ", lost)}");
    }

    // What was held has come out when the input was complete; of what has not completed, nothing.
    private void JudgeExtra(long number, Account account, Extra extra)
    {
        int expected = account.Completions > 0 ? extra.Count(number) : 0, found = account.FoundIn(extra.Name).Count,
            different = account.FoundIn(extra.Name).Distinct().Count();
        if (different < expected) Lose(number, $"has completed, and is among the {extra.Name} {different} times, not {expected}");
        if (found > Math.Min(expected, different)) Duplicate(number,
            $"is among the {extra.Name} {found} times, {different} of them different, not {expected}");
    }

    private void JudgeLetters(long number, Account account, Walk walk)
    {
        Fate fate = @case.FateOf(number);
        if (!@case.DiesWhole && account.Letters.Find(static letter => letter.WasToBeDivided) is { } many)
            Mismatch(number, $"has a letter of a list at {many.Node} that was to be divided: {many.Trace}");
        foreach (var same in account.Letters.GroupBy(letter => letter).Where(same => same.Count() > Math.Max(1, walk.Hazards.Count)))
            Duplicate(number, $"has {same.Count()} letters of '{same.Key.Trace}' at {same.Key.Node}");
        if (accounts.IsCured)
        {
            if (account.Letters.Count > 0) Mismatch(number, "is dead, though it was cured and redriven");
            return;
        }
        if (fate == Fate.Unwritable && account.Completions > 0 && !accounts.IsCured)
            Mismatch(number, "has completed, and what was remembered of it cannot be written");
        if (fate is Fate.Poison or Fate.Bomb && walk.Hazards.Count > 0 && account.Completions > 0 && account.Letters.Count == 0)
            Mismatch(number, $"has completed, and is {fate}");

        // What it has not failed, it must have crashed: alone, for a crash that is shared is free.
        if (account.Letters.Count > 0) crashes += Math.Max(0, @case.Replays + 1 - account.Failures);
    }

    private void JudgeAttempts(long number, Account account)
    {
        int allowed = @case.Replays + 1;
        if (account.HighestAttempt > allowed) Mismatch(number, $"was told that it is attempt {account.HighestAttempt} of {allowed}");
        // Where order holds through failures, or state is undone, an item may be started again for another one's sake, uncharged.
        if (@case.HasKeys || @case.HasState) return;
        int starts = (accounts.IsCured ? 100 : allowed) + account.Interruptions;
        if (account.Starts > starts) Mismatch(number,
            $"was started {account.Starts} times, with {allowed} attempts and {account.Interruptions} interruptions");
    }

    // Items of one key end in the order in which they were accepted, whatever failed or was killed meanwhile; redriven ones give up their
    // order.
    private void JudgeOrder()
    {
        if (!@case.HasKeys) return;
        var newest = new Dictionary<int, (long Sequence, long Number)>();
        foreach (var (number, id) in accounts.Ends)
        {
            if (accounts.Redriven.Contains(id)) continue;
            long sequence = long.Parse(id.Split('/')[2].Split('@')[0], CultureInfo.InvariantCulture);
            int key = @case.WorkOf(number).Key;
            if (newest.TryGetValue(key, out var before) && before.Sequence > sequence)
                Mismatch(number, $"of key {key} has ended behind item {before.Number}, which was accepted later");
            else newest[key] = (sequence, number);
        }
    }

    private void CompareClaims()
    {
        if (accounts.Claims is not { } claims)
        {
            Mismatch(null, "the last life has not said what its books are");
            return;
        }
        // An item that died in several parts has several letters, and as many ends when they are redriven: that is what is split.
        long split = claims[6], pending = letters - dead;
        long[] counted = [accepted, completed + split - pending, letters, 0, 0];
        long[] claimed = [claims[0], claims[1] + claims[2], claims[3], claims[4], claims[5]];
        if (!counted.SequenceEqual(claimed))
            Mismatch(null,
                $"the books say {string.Join(' ', claimed)}, counted were {string.Join(' ', counted)} (accepted, completed, letters, "
                    + $"cancelled, unaccounted), split {split}");
    }

    private void Lose(long number, string what) => Note(ref lost, "lost", number, what);

    private void Duplicate(long number, string what) => Note(ref duplicated, "duplicated", number, what);

    private void Mismatch(long? number, string what) => Note(ref mismatched, "mismatch", number, what);

    private void Note(ref long count, string kind, long? number, string what)
    {
        count++;
        if (Findings.Count < 1000) Findings.Add($"{kind}: {(number is { } known ? $"item {known} ({@case.FateOf(known)}) " : "")}{what}");
    }
}
