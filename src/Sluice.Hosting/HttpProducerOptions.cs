namespace Sluice.Hosting;

/// <summary>What an endpoint of <c>MapProducer</c> takes in, and how long it waits. Immutable.</summary>
public sealed record HttpProducerOptions
{
    private readonly int maxItem = 1 << 20;
    private readonly int maxBody = 4 << 20;
    private readonly int maxItems = 10_000;
    private readonly TimeSpan patience = TimeSpan.FromSeconds(1);
    private readonly TimeSpan retryAfter = TimeSpan.FromSeconds(1);
    private readonly TimeSpan receiveTime = TimeSpan.FromSeconds(30);
    private readonly TimeSpan idempotencyWindow = TimeSpan.FromDays(1);
    private readonly TimeProvider time = TimeProvider.System;

    /// <summary>The longest item, in bytes of the body; 1 or more, 1 MB unless given. A longer one is answered with 413. What the stream allows (<see cref="StreamOptions.MaxEntryBytes"/>) holds besides.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxItemBytes
    {
        get => maxItem;
        init => maxItem = AtLeastOne(value, nameof(MaxItemBytes));
    }

    /// <summary>The longest body, in bytes; 1 or more, 4 MB unless given. A longer one is answered with 413. Bodies are kept in memory until their items are accepted.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxBodyBytes
    {
        get => maxBody;
        init => maxBody = AtLeastOne(value, nameof(MaxBodyBytes));
    }

    /// <summary>The most items of one body; 1 or more, 10,000 unless given. More are answered with 413.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxItems
    {
        get => maxItems;
        init => maxItems = AtLeastOne(value, nameof(MaxItems));
    }

    /// <summary>How long a request waits for room before it is answered with 429; zero or more, one second unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 49 days.</exception>
    public TimeSpan Timeout
    {
        get => patience;
        init => patience = new SendOptions { Timeout = value }.Timeout;
    }

    /// <summary>What the header <c>Retry-After</c> says where the store knows nothing better; more than zero, rounded up to seconds, one second unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less.</exception>
    public TimeSpan RetryAfterDuration
    {
        get => retryAfter;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, Property(nameof(RetryAfterDuration)));
            retryAfter = value;
        }
    }

    /// <summary>How long a whole body may take to arrive before it is answered with 408; more than zero, 30 seconds unless given. The server may have a stricter rule of its own.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public TimeSpan ReceiveTimeout
    {
        get => receiveTime;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, Property(nameof(ReceiveTimeout)));
            receiveTime = new SendOptions { Timeout = value }.Timeout;
        }
    }

    /// <summary>How long an <c>Idempotency-Key</c> is remembered (<see cref="SendOptions.IdempotencyWindow"/>); more than zero, one day unless given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero or less, or more than 49 days.</exception>
    public TimeSpan IdempotencyWindow
    {
        get => idempotencyWindow;
        init => idempotencyWindow = new SendOptions { IdempotencyWindow = value }.IdempotencyWindow;
    }

    /// <summary>The clock of <see cref="ReceiveTimeout"/>; the system's unless given.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public TimeProvider Time
    {
        get => time;
        init => time = value ?? throw new ArgumentNullException(Property(nameof(Time)));
    }

    private static int AtLeastOne(int value, string property)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, Property(property));
        return value;
    }

    private static string Property(string name) => $"{nameof(HttpProducerOptions)}.{name}";
}
