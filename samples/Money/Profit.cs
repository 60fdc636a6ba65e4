using Sluice;
using static Money.Statement;

namespace Money;

/// <summary>
/// Profit sharing: every job is tagged with both partners' shares; each share is routed to its partner's aggregator, and all shares are
/// broadcast to the company's as well.
/// </summary>
internal static class Profit
{
    private const decimal WonShare = 0.60m;

    private static readonly Job[] Jobs =
    [
        new("bridge", "Ada", 12_480.35m, 7_911.20m),
        new("kiosk", "Ben", 3_250.00m, 2_874.99m),
        new("garage", "Ada", 990.10m, 1_204.37m),
        new("school", "Ben", 28_000.00m, 19_333.33m),
        new("fence", "Ben", 415.25m, 97.50m),
        new("pier", "Ada", 7_777.77m, 6_543.21m),
    ];

    public static async Task<Statement> RunAsync(RunOptions options)
    {
        List<Account> accounts = [];
        Pipeline pipeline = Source.From(Jobs) | Stage.Named("jobs")
            | Tag
            | [
                s => s.Route(Partner,
                    ("Ada", s => s | Aggregator("Ada")),
                    ("Ben", s => s | Aggregator("Ben"))),
                s => s | Aggregator("company"),
            ]
            | accounts.Add | Stage.Named("ledger");
        await pipeline.RunAsync(options);

        return new Statement(
            "Profit: who won a job has 60 % of its profit or loss, to the cent (half a cent away from zero), the other partner the rest.",
            [("job", "won by, revenue, cost"), .. Jobs.Select(job => (job.Name, (object)$"{job.WonBy}, {job.Revenue:N2}, {job.Cost:N2}"))],
            pipeline.Topology.ToText(),
            [["account", "shares", "gains", "losses", "profit"],
                .. accounts.Select(account => new object[]
                    { account.Of, account.Shares, account.Gains, account.Losses, account.Gains + account.Losses })]);
    }

    private static IEnumerable<Share> Tag(Job job)
    {
        var profit = job.Revenue - job.Cost;
        var won = Cents(profit * WonShare);
        yield return new Share(job.WonBy, won);
        yield return new Share(job.WonBy == "Ada" ? "Ben" : "Ada", profit - won);
    }

    private static string Partner(Share share) => share.Partner;

    private static Pipe<Share, Account> Aggregator(string of)
        => Pipe.Of<Share>().Aggregate(new Account(of, 0, 0, 0), Book) | Stage.Named(of);

    private static Account Book(Account account, Share share) => account with
    {
        Shares = account.Shares + 1,
        Gains = account.Gains + Math.Max(0, share.Amount),
        Losses = account.Losses + Math.Min(0, share.Amount),
    };

    private sealed record Job(string Name, string WonBy, decimal Revenue, decimal Cost);

    private readonly record struct Share(string Partner, decimal Amount);

    private sealed record Account(string Of, int Shares, decimal Gains, decimal Losses);
}
