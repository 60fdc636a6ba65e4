namespace Sluice.Torture;

/// <summary>What a case has come to; also the sum of several.</summary>
internal sealed record Verdict(long Accepted, long Completed, long Dead, long Lost, long Duplicated, long Mismatched)
{
    public bool IsGood => Lost + Duplicated + Mismatched == 0;

    public static Verdict operator +(Verdict a, Verdict b) => new(
        a.Accepted + b.Accepted, a.Completed + b.Completed, a.Dead + b.Dead, a.Lost + b.Lost, a.Duplicated + b.Duplicated, a.Mismatched + b.Mismatched);

    public override string ToString() => FormattableString.Invariant(
        $"accepted: {Accepted}\ncompleted: {Completed}\ndead: {Dead}\nlost: {Lost}\nduplicated-in-store: {Duplicated}\nstate-mismatch: {Mismatched}");
}

/// <summary>Compares the accounts with what must have become of every item. Knows the pipeline, and nothing of how the library works.</summary>
internal sealed class Oracle(Case @case, Accounts accounts)
{
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
            Mismatch(null, $"{crashes} attempts were charged for crashes to items that are dead now, and there were {accounts.KilledLives} crashes: each charges one at most");
        CompareClaims();
        return new(accepted, completed, dead, lost, duplicated, mismatched);
    }

    private void Judge(long number, Account account)
    {
        bool isDead = account.Letters.Count > 0;
        bool hasEnded = isDead || account.Completions > 0;
        if (hasEnded || account.IsAcknowledged) accepted++;
        if (isDead) dead++;
        else if (hasEnded) completed++;
        letters += account.Letters.Count;

        if (!account.IsSent) Mismatch(number, "was never sent");
        if (account.IsAcknowledged && !hasEnded) Lose(number, "was accepted and has no end");
        if (account.Completions > 1) Duplicate(number, $"has completed {account.Completions} times");
        if (account.Ids.Count > 1) Mismatch(number, $"has several ids: {string.Join(", ", account.Ids)}");

        var walk = new Walk();
        string[] expected = [.. @case.Body.Expect(@case.WorkOf(number), walk).Select(work => work.Trace)];
        Compare(number, "results", account.Records, expected, account, isDead);
        Compare(number, "lines of the file", account.FileLines, expected, account, isDead);
        JudgeLetters(number, account, walk);
        JudgeAttempts(number, account);
    }

    // The surviving parts of an item that died may have been recorded or not; no part may be there twice.
    private void Compare(long number, string what, List<string> found, string[] expected, Account account, bool isDead)
    {
        var open = expected.GroupBy(trace => trace).ToDictionary(same => same.Key, same => same.Count());
        foreach (string trace in found)
        {
            if (!open.TryGetValue(trace, out int left)) Mismatch(number, $"has among the {what} '{trace}', which nobody makes of it");
            else if (left == 0) Duplicate(number, $"has among the {what} '{trace}' once too often");
            else open[trace] = left - 1;
        }
        if (!isDead && account.Completions > 0 && open.Values.Sum() is var missing and > 0)
            Lose(number, $"has completed, and {missing} of its {expected.Length} {what} are not there");
    }

    private void JudgeLetters(long number, Account account, Walk walk)
    {
        Fate fate = @case.FateOf(number);
        foreach (var same in account.Letters.GroupBy(letter => letter).Where(same => same.Count() > Math.Max(1, walk.Hazards.Count)))
            Duplicate(number, $"has {same.Count()} letters '{same.Key}'");
        if (accounts.IsCured)
        {
            if (account.Letters.Count > 0) Mismatch(number, "is dead, though it was cured and redriven");
            return;
        }
        if (fate is Fate.Poison or Fate.Bomb && walk.Hazards.Count > 0 && account.Completions > 0 && account.Letters.Count == 0)
            Mismatch(number, $"has completed, and is {fate}");

        // What it has not failed, it must have crashed: alone, for a crash that is shared is free.
        if (account.Letters.Count > 0) crashes += Math.Max(0, @case.Replays + 1 - account.Failures);
    }

    private void JudgeAttempts(long number, Account account)
    {
        int allowed = @case.Replays + 1;
        if (account.HighestAttempt > allowed) Mismatch(number, $"was told that it is attempt {account.HighestAttempt} of {allowed}");
        int starts = (accounts.IsCured ? 100 : allowed) + account.Interruptions;
        if (account.Starts > starts) Mismatch(number, $"was started {account.Starts} times, with {allowed} attempts and {account.Interruptions} interruptions");
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
            Mismatch(null, $"the books say {string.Join(' ', claimed)}, counted were {string.Join(' ', counted)} (accepted, completed, letters, cancelled, unaccounted), split {split}");
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
