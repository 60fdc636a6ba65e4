namespace Payments.Driving;

/// <summary>What is sent, by whom, and when the server is killed: all of it follows from the seed. Every payment has a payee of its own, by
/// which it is found again.</summary>
internal sealed class Plan
{
    /// <summary>How payees begin that take no payments.</summary>
    public const string Poison = "poison-";

    private const int TcpClients = 3;
    private const int Accounts = 25;

    public Plan(DriveOptions options)
    {
        var random = new Random(options.Seed);
        Payments = [.. Enumerable.Range(0, options.Payments).Select(number => PaymentOf(number, random))];
        for (var at = 0; at < Payments.Count;)
        {
            if (random.Next(4) == 0)
            {
                Tcp[random.Next(TcpClients)].Add(Payments[at++]);
                continue;
            }

            var count = Math.Min(random.Next(10) == 0 ? random.Next(2, 6) : 1, Payments.Count - at);
            Http.Add(new Request($"key-{Http.Count}", Payments.GetRange(at, count), random.Next(15) == 0, random.Next(15) == 0
                ? random.Next(20) : null));
            at += count;
        }

        Kills = [.. Enumerable.Range(0, options.Kills)
            .Select(_ => new Kill(random.Next(options.Payments), TimeSpan.FromMilliseconds(random.Next(30)), random.Next(3) == 0
            ? TimeSpan.FromMilliseconds(random.Next(500)) : null))
            .OrderBy(kill => kill.At)];
    }

    /// <summary>All payments.</summary>
    public List<Payment> Payments { get; }

    /// <summary>Those that are sent over HTTP.</summary>
    public List<Request> Http { get; } = [];

    /// <summary>Those that are sent over TCP, by client.</summary>
    public List<Payment>[] Tcp { get; } = [.. Enumerable.Range(0, TcpClients).Select(_ => new List<Payment>())];

    /// <summary>The kills, in order.</summary>
    public List<Kill> Kills { get; }

    /// <summary>What each account should have in the end.</summary>
    public Dictionary<string, decimal> Balances
        => Payments.Where(IsBooked).GroupBy(payment => payment.Account)
        .ToDictionary(account => account.Key, account => account.Sum(payment => payment.Amount));

    private static bool IsBooked(Payment payment) => payment.Amount > 0 && !payment.Payee.StartsWith(Poison, StringComparison.Ordinal);

    private static Payment PaymentOf(int number, Random random)
    {
        var amount = random.Next(4) switch
        {
            0 => random.Next(1, 1000),
            1 => 0.1m * random.Next(1, 10_000),
            2 => 0.01m * random.Next(1, 10_000_000),
            _ => 0.001m * random.Next(1, 1000),
        };
        return new Payment(
            $"account-{random.Next(1, Accounts + 1)}",
            random.Next(30) == 0 ? -amount : amount,
            $"{(random.Next(100) == 0 ? Poison : "payee-")}{number}");
    }
}

/// <summary>A request over HTTP.</summary>
/// <param name="Key">Its idempotency key.</param>
/// <param name="Payments">One, or several in as many lines.</param>
/// <param name="IsRepeated">Whether it is sent again although it was answered.</param>
/// <param name="GivesUpAfterMs">How long its client waits for the answer at first, before it sends it again; null for as long as need
/// be.</param>
internal sealed record Request(string Key, IReadOnlyList<Payment> Payments, bool IsRepeated, int? GivesUpAfterMs);

/// <summary>A kill of the server.</summary>
/// <param name="At">After how many acknowledged payments.</param>
/// <param name="Delay">How much later.</param>
/// <param name="WhileStarting">Whether it is killed again when it has been starting for so long; this counts as a kill of its own.</param>
internal sealed record Kill(int At, TimeSpan Delay, TimeSpan? WhileStarting);
