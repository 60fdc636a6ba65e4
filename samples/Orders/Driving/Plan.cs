namespace Orders.Driving;

/// <summary>What is ordered, and when what is killed. All of it follows from the seed.</summary>
internal sealed class Plan
{
    private const int ProductCount = 12, MostPieces = 5;

    public Plan(DriveOptions options, bool ownServer)
    {
        var random = new Random(options.Seed);
        Products = [.. Enumerable.Range(1, ProductCount).Select(number => $"product-{number}")];
        var bytes = new byte[16];
        for (int number = 0; number < options.Orders; number++)
        {
            random.NextBytes(bytes);
            Orders.Add(new(new Guid(bytes), $"customer-{random.Next(1000)}", Products[random.Next(ProductCount)],
                random.Next(1, MostPieces + 1), random.Next(10) == 0 ? "declined" : "4711"));
        }
        // About half of the products sell out before the end.
        Stock = options.Stock ?? Math.Max(1, options.Orders * (MostPieces + 1) / 2 / ProductCount * 9 / 10);
        Troubles = [.. Enumerable.Range(0, options.Kills).Select(number => new Trouble(random.Next(options.Orders),
            KindOf(number, ownServer), random.Next(Drive.Services))).OrderBy(trouble => trouble.At)];
    }

    /// <summary>The products.</summary>
    public IReadOnlyList<string> Products { get; }

    /// <summary>The pieces of each product at the start.</summary>
    public int Stock { get; }

    /// <summary>The orders, each sent until it is answered.</summary>
    public List<Order> Orders { get; } = [];

    /// <summary>What happens meanwhile, in order.</summary>
    public IReadOnlyList<Trouble> Troubles { get; }

    // In turn, so that a few kills have all kinds.
    private static TroubleKind KindOf(int number, bool ownServer) => number % 20 == 19 ? TroubleKind.Freeze : (number % 4) switch
    {
        1 => ownServer ? TroubleKind.Server : TroubleKind.Backends,
        3 => TroubleKind.Backends,
        _ => TroubleKind.Service,
    };
}

/// <summary>What is killed.</summary>
internal enum TroubleKind
{
    /// <summary>A service of the shop.</summary>
    Service,

    /// <summary>Connections, by the server.</summary>
    Backends,

    /// <summary>The server.</summary>
    Server,

    /// <summary>Nothing: a service is frozen for longer than its lease.</summary>
    Freeze,
}

/// <summary>Something that goes wrong.</summary>
/// <param name="At">After how many answered orders.</param>
/// <param name="Kind">What is killed.</param>
/// <param name="Service">Which service.</param>
internal sealed record Trouble(int At, TroubleKind Kind, int Service);
