using Sluice;
using static Money.Statement;

namespace Money;

/// <summary>
/// Compounded monthly, less a fee: the fee goes to its aggregator, the interest to its own, and the capital grows by what is left. The
/// three sinks keep what they see in the state of the run, from which its result is computed at the end.
/// </summary>
internal static class Investment
{
    private const decimal Start = 10_000.00m;
    private const decimal Fee = 10.00m;
    private static readonly decimal[] YearlyPercent = [6.00m, 6.00m, 5.25m, 4.10m, 3.75m, 3.75m, 4.50m, 5.00m, 5.60m, 6.35m];

    public static async Task<Statement> RunAsync(RunOptions options)
    {
        Source<decimal> rates = Source.From(YearlyPercent) | Stage.Named("rates") | TwelveTimes;
        Pipeline pipeline = (Source.Range(1, 12L * YearlyPercent.Length) | Stage.Named("months"))
            .Zip(rates, (number, percent) => new Month(number, percent, 0, 0))
            .Scan(new Month(0, 0, 0, Start), Compound)
            | [CollectFee, GrowCapital, CollectInterest];

        await using PipelineRun run = pipeline.Start(options with { State = new Accounts(YearlyPercent.Length) });
        var ledger = await run.ResultAsync((Accounts accounts) => accounts.Ledger());

        return new Statement(
            "Investment: interest on last month's capital, rounded to the cent every month (half a cent up), then the fee.",
            [("capital", Start), ("monthly fee", Fee),
                .. YearlyPercent.Select((percent, year) => ($"interest in year {year + 1}", (object)$"{percent} %, a twelfth a month"))],
            pipeline.Topology.ToText(),
            ledger);
    }

    private static IEnumerable<decimal> TwelveTimes(decimal percent) => Enumerable.Repeat(percent, 12);

    private static Month Compound(Month before, Month month)
    {
        // Divided last: a twelfth of a per cent has no end of digits, and half a cent must stay one.
        var interest = Cents(before.Capital * month.Percent / 1200);
        return month with { Interest = interest, Capital = before.Capital + interest - Fee };
    }

    private static ValueTask CollectFee(Month month, ItemContext context)
    {
        context.Run.State<Accounts>().Fees[month.Year] += Fee;
        return default;
    }

    private static ValueTask GrowCapital(Month month, ItemContext context)
    {
        context.Run.State<Accounts>().Capital[month.Year] = month.Capital;
        return default;
    }

    private static ValueTask CollectInterest(Month month, ItemContext context)
    {
        context.Run.State<Accounts>().Interest[month.Year] += month.Interest;
        return default;
    }

    private sealed record Month(long Number, decimal Percent, decimal Interest, decimal Capital)
    {
        public int Year => (int)((Number - 1) / 12);
    }

    /// <summary>Per year. Every sink has an array of its own, so they may run at the same time.</summary>
    private sealed class Accounts(int years)
    {
        public decimal[] Interest { get; } = new decimal[years];

        public decimal[] Fees { get; } = new decimal[years];

        public decimal[] Capital { get; } = new decimal[years];

        public object[][] Ledger() => [
            ["year", "interest", "fees", "capital"],
            .. Enumerable.Range(0, years).Select(year => new object[] { year + 1, Interest[year], Fees[year], Capital[year] }),
            ["total", Interest.Sum(), Fees.Sum(), Capital[^1]]];
    }
}
