using Sluice;
using static Money.Statement;

namespace Money;

/// <summary>
/// Deductions dollar for dollar: the pay goes through the pipeline as single dollars, a branch per deduction takes its share of
/// each of them, and all that became of a dollar is joined again, so that nothing of it is lost.
/// </summary>
internal static class Paycheck
{
    private const decimal Gross = 2_750.40m;
    private const decimal Premium = 120.00m;

    public static async Task<Statement> RunAsync(RunOptions options)
    {
        List<Line> lines = [];
        Pipeline pipeline = (Source.Of(Gross) | Stage.Named("paycheck") | Dollars)
            .Broadcast(
                s => s | Retirement,
                s => s | FederalTax,
                s => s | SocialSecurity,
                s => s | Medicare,
                s => s | StageNode.Of(() => new HealthInsurance()))
            .GroupBy(share => share.Of)
            | JoinTakeHome
            | StageNode.Of(() => new Totals())
            | lines.Add | Stage.Named("ledger");
        await pipeline.RunAsync(options);

        return new Statement(
            "Paycheck: every dollar is split; every deduction is rounded once, to the cent (half a cent up); the rest is taken home.",
            [("gross pay", Gross), ("retirement", "5 %"), ("federal tax", "10 % to dollar 1,000, 12 % to 2,500, 22 % above"),
                ("social security", "6.2 %"), ("medicare", "1.45 %"), ("health insurance", "25 % of each dollar until 120.00 are paid")],
            pipeline.Topology.ToText(),
            [["to", "dollars", "amount"],
                .. lines.Select(line => new object[] { line.To, line.Dollars, line.Amount }),
                ["gross pay", (int)decimal.Ceiling(Gross), lines.Sum(line => line.Amount)]]);
    }

    /// <summary>The last one is what remains, such as 40 cents.</summary>
    private static IEnumerable<Dollar> Dollars(decimal pay)
    {
        for (var number = 1; number - 1 < pay; number++) yield return new Dollar(number, Math.Min(1, pay - (number - 1)));
    }

    private static Share Retirement(Dollar dollar) => new(dollar, "retirement", dollar.Amount * 0.05m);

    private static Share FederalTax(Dollar dollar)
        => new(dollar, "federal tax", dollar.Amount * dollar.Number switch { <= 1_000 => 0.10m, <= 2_500 => 0.12m, _ => 0.22m });

    private static Share SocialSecurity(Dollar dollar) => new(dollar, "social security", dollar.Amount * 0.062m);

    private static Share Medicare(Dollar dollar) => new(dollar, "medicare", dollar.Amount * 0.0145m);

    private static IEnumerable<Share> JoinTakeHome(Group<Dollar, Share> shares)
        => shares.Items.Append(new Share(shares.Key, "take home", shares.Key.Amount - shares.Items.Sum(share => share.Amount)));

    private readonly record struct Dollar(int Number, decimal Amount);

    private readonly record struct Share(Dollar Of, string To, decimal Amount);

    private sealed record Line(string To, int Dollars, decimal Amount);

    /// <summary>Remembers how much of the premium is still to be paid.</summary>
    private sealed class HealthInsurance : StageNode<Dollar, Share>
    {
        private decimal due = Premium;

        protected override ValueTask ProcessAsync(Dollar item, Output<Share> output, CancellationToken cancellation)
        {
            if (due == 0) return default;
            var share = Math.Min(due, item.Amount * 0.25m);
            due -= share;
            return output.PushAsync(new Share(item, "health insurance", share));
        }
    }

    /// <summary>Adds up until the end, then rounds; what is taken home carries the rounding, so that the lines add up to the pay.</summary>
    private sealed class Totals : StageNode<Share, Line>
    {
        private readonly Dictionary<string, (int Dollars, decimal Amount)> totals = [];
        private decimal gross;

        protected override ValueTask ProcessAsync(Share item, Output<Line> output, CancellationToken cancellation)
        {
            var (dollars, amount) = totals.GetValueOrDefault(item.To);
            totals[item.To] = (dollars + 1, amount + item.Amount);
            gross += item.Amount;
            return default;
        }

        protected override async ValueTask EndAsync(Output<Line> output, CancellationToken cancellation)
        {
            totals.Remove("take home", out var taken);
            var rest = gross;
            foreach (var (to, (dollars, amount)) in totals)
            {
                rest -= Cents(amount);
                await output.PushAsync(new Line(to, dollars, Cents(amount)));
            }

            await output.PushAsync(new Line("take home", taken.Dollars, rest));
        }
    }
}
