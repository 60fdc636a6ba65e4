namespace Payments.Driving;

/// <summary>The table at the end.</summary>
internal static class Report
{
    private const int MostProblems = 10;

    /// <returns>Whether everything is as it should be.</returns>
    public static bool Print(Plan plan, Tally tally, Findings findings, int kills)
    {
        var expected = plan.Balances.Values.Sum();
        Console.WriteLine($"killed {kills} times; {tally.Repeated} requests and frames were sent again");
        Console.WriteLine();
        Row("sent", plan.Payments.Count);
        Row("acknowledged", tally.Acknowledged);
        Row("processed", findings.IsWhole ? findings.Processed : null);
        Row("rejected", findings.IsWhole ? findings.Rejected : null);
        Row("dead", findings.IsWhole ? findings.Dead : null);
        Row("lost", findings.IsWhole ? findings.Lost : null);
        Row("duplicated", findings.IsWhole ? findings.Duplicated : null);
        Row("balance expected", expected);
        Row("balance found", findings.IsWhole ? findings.Balance : null);
        foreach (var problem in findings.Problems.Take(MostProblems)) Console.WriteLine($"problem: {problem}");
        if (findings.Problems.Count > MostProblems) Console.WriteLine($"and {findings.Problems.Count - MostProblems} more problems");
        return findings is { IsWhole: true, Lost: 0, Duplicated: 0, Problems.Count: 0 } && tally.Acknowledged == plan.Payments.Count
            && findings.Balance == expected;
    }

    private static void Row(string name, decimal? value)
        => Console.WriteLine(FormattableString.Invariant($"{name,-18}{(value is { } known ? known : "unknown"),16}"));
}
