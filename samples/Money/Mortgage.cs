using Sluice;
using static Money.Statement;

namespace Money;

/// <summary>
/// 360 payments of 1,000: tax and insurance are split off to their own aggregators, interest goes to a tax refunder as well, principal to
/// the balance, and a master aggregator joins them all in a line per year.
/// </summary>
internal static class Mortgage
{
    private const decimal Loan = 120_000.00m;
    private const decimal MonthlyRate = 0.06m / 12;
    private const decimal Payment = 1_000.00m;
    private const decimal Tax = 200.00m;
    private const decimal Insurance = 80.53m;
    private const decimal RefundRate = 0.22m;
    private static readonly string[] Accounts = ["tax", "insurance", "interest", "refund", "principal", "balance", "returned"];

    /// <summary>The sum of every twelve payments. A pipe is a value: used in four branches, each on a thread of its own.</summary>
    private static Pipe<Part, Part> Yearly => Pipe.Of<Part>().Buffer(12).Chunk(12) | Sum;

    public static async Task<Statement> RunAsync(RunOptions options)
    {
        List<Year> years = [];
        Pipeline pipeline = (Source.Range(1, 360) | Stage.Named("payments") | Split)
            .Route(Account,
                ("tax", s => s | Yearly),
                ("insurance", s => s | Yearly),
                ("loan", s => (s | StageNode.Of(() => new Amortization()))
                    .Route(Account,
                        ("interest", s => (s | Yearly).Broadcast(s => s, s => s | Refund | Stage.Named("TaxRefunder"))),
                        ("principal", s => (s | Yearly).Broadcast(s => s, s => s.Scan(new Part(0, "balance", Loan), PayDown))),
                        ("returned", s => s))))
            | StageNode.Of(() => new MasterAggregator())
            | years.Add | Stage.Named("ledger");
        await pipeline.RunAsync(options);

        return new Statement(
            "Mortgage: interest is rounded every month, refunds every year, to the cent (half a cent up); what is overpaid is returned.",
            [("payments", 360), ("payment", Payment), ("tax in it", Tax), ("insurance in it", Insurance), ("loan", Loan),
                ("interest a year", "6 %, a twelfth a month"), ("refund", "22 % of a year's interest")],
            pipeline.Topology.ToText(),
            [["year", .. Accounts],
                .. years.Select(year => Row($"{year.Number}", account => year.Amounts.GetValueOrDefault(account))),
                Row("total", account => account == "balance"
                    ? years[^1].Amounts[account]
                    : years.Sum(year => year.Amounts.GetValueOrDefault(account)))]);
    }

    private static object[] Row(string name, Func<string, decimal> amount)
        => [name, .. Accounts.Select(account => (object)amount(account))];

    private static IEnumerable<Part> Split(long payment)
        => [new(payment, "tax", Tax), new(payment, "insurance", Insurance), new(payment, "loan", Payment - Tax - Insurance)];

    private static string Account(Part part) => part.Account;

    private static Part Sum(Part[] year) => year[^1] with { Amount = year.Sum(part => part.Amount) };

    private static Part Refund(Part interest) => interest with { Account = "refund", Amount = Cents(interest.Amount * RefundRate) };

    private static Part PayDown(Part balance, Part principal)
        => balance with { Payment = principal.Payment, Amount = balance.Amount - principal.Amount };

    private readonly record struct Part(long Payment, string Account, decimal Amount);

    private sealed record Year(long Number, Dictionary<string, decimal> Amounts);

    /// <summary>Interest on what is owed first, principal with the rest; what is too much is given back at the end.</summary>
    private sealed class Amortization : StageNode<Part, Part>
    {
        private decimal owed = Loan;
        private Part left;

        protected override async ValueTask ProcessAsync(Part item, Output<Part> output, CancellationToken cancellation)
        {
            var interest = Cents(owed * MonthlyRate);
            var principal = Math.Min(owed, item.Amount - interest);
            owed -= principal;
            left = new Part(item.Payment, "returned", left.Amount + item.Amount - interest - principal);
            await output.PushAsync(new Part(item.Payment, "interest", interest));
            await output.PushAsync(new Part(item.Payment, "principal", principal));
        }

        protected override ValueTask EndAsync(Output<Part> output, CancellationToken cancellation) => output.PushAsync(left);
    }

    /// <summary>Its inputs run on threads of their own: a year's parts come in any order, so the years are put out at the end.</summary>
    private sealed class MasterAggregator : StageNode<Part, Year>
    {
        private readonly SortedDictionary<long, Year> years = [];

        protected override ValueTask ProcessAsync(Part item, Output<Year> output, CancellationToken cancellation)
        {
            var number = (item.Payment + 11) / 12;
            if (!years.TryGetValue(number, out var year)) years.Add(number, year = new Year(number, []));
            year.Amounts.Add(item.Account, item.Amount);
            return default;
        }

        protected override async ValueTask EndAsync(Output<Year> output, CancellationToken cancellation)
        {
            foreach (var year in years.Values) await output.PushAsync(year);
        }
    }
}
