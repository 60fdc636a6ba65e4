using Microsoft.AspNetCore.Http;

namespace Sluice.Hosting;

/// <summary>Limits and timeouts of an endpoint of <c>MapProducer</c>. Immutable.</summary>
public sealed record HttpProducerOptions
{
    private static readonly TimeSpan MaxTime = TimeSpan.FromDays(49);          // of a timer

    private readonly int maxItem = 1 << 20;
    private readonly int maxBody = 4 << 20;
    private readonly int maxItems = 10_000;
    private readonly TimeSpan sendTimeout = TimeSpan.FromSeconds(1);
    private readonly TimeSpan storeTimeout = TimeSpan.FromSeconds(15);
    private readonly TimeSpan retryAfter = TimeSpan.FromSeconds(1);
    private readonly TimeSpan receiveTime = TimeSpan.FromSeconds(30);
    private readonly TimeSpan idempotencyWindow = TimeSpan.FromDays(1);
    private readonly TimeProvider time = TimeProvider.System;

    /// <summary>
    /// The largest item, in bytes of the body; the response to a larger one is 413. At least 1; default 1 MB. The stream's limit
    /// (<see cref="StreamOptions.MaxEntryBytes"/>) applies as well.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is less than 1.</exception>
    public int MaxItemBytes
    {
        get => maxItem;
        init => maxItem = AtLeastOne(value, nameof(MaxItemBytes));
    }

    /// <summary>
    /// The largest body, in bytes; the response to a larger one is 413. At least 1; default 4 MB. A body stays in memory until its items
    /// are accepted.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is less than 1.</exception>
    public int MaxBodyBytes
    {
        get => maxBody;
        init => maxBody = AtLeastOne(value, nameof(MaxBodyBytes));
    }

    /// <summary>The largest number of items in a body; the response to more is 413. At least 1; default 10,000.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is less than 1.</exception>
    public int MaxItems
    {
        get => maxItems;
        init => maxItems = AtLeastOne(value, nameof(MaxItems));
    }

    /// <summary>How long a request waits for room in the stream before the response is 429. Zero to 49 days; default 1 second.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    public TimeSpan Timeout
    {
        get => sendTimeout;
        init => sendTimeout = new SendOptions { Timeout = value }.Timeout;
    }

    /// <summary>
    /// How long a request waits for the store, beside <see cref="Timeout"/>: a request waits for both together at most. Then the response
    /// is 503, which says that it is not known whether the items were accepted. More than zero, 49 days at most; default 15 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    public TimeSpan StoreTimeout
    {
        get => storeTimeout;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, Property(nameof(StoreTimeout)));
            storeTimeout = new SendOptions { Timeout = value }.Timeout;
        }
    }

    /// <summary>The longest that a request may wait for room and for the store together.</summary>
    internal TimeSpan WholeTimeout => sendTimeout + storeTimeout is var whole && whole < MaxTime ? whole : MaxTime;

    /// <summary>
    /// The header <c>Retry-After</c> if the store does not know better, rounded up to seconds. More than zero; default 1 second.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is zero or less.</exception>
    public TimeSpan RetryAfterDuration
    {
        get => retryAfter;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, Property(nameof(RetryAfterDuration)));
            retryAfter = value;
        }
    }

    /// <summary>
    /// How long a whole body may take to arrive before the response is 408. More than zero, 49 days at most; default 30 seconds. The server
    /// may have a stricter limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    public TimeSpan ReceiveTimeout
    {
        get => receiveTime;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, Property(nameof(ReceiveTimeout)));
            receiveTime = new SendOptions { Timeout = value }.Timeout;
        }
    }

    /// <summary>
    /// How long an <c>Idempotency-Key</c> is remembered (<see cref="SendOptions.IdempotencyWindow"/>). More than zero, 49 days at most;
    /// default 1 day.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    public TimeSpan IdempotencyWindow
    {
        get => idempotencyWindow;
        init => idempotencyWindow = new SendOptions { IdempotencyWindow = value }.IdempotencyWindow;
    }

    /// <summary>
    /// Names the client of a request, such as its tenant or its account: each client has keys of its own then. Requests without a name
    /// (null or empty) share one set of keys. By default, all clients of the consecutor share one set: a client that uses another one's key
    /// gets the answer to the other one's request, and its items are not accepted. Setting or changing it makes all keys new ones.
    /// </summary>
    /// <example><code>
    /// new HttpProducerOptions { KeyScope = context => context.User.FindFirstValue(ClaimTypes.NameIdentifier) }
    /// </code></example>
    public Func<HttpContext, string?>? KeyScope { get; init; }

    /// <summary>The clock of <see cref="ReceiveTimeout"/> and <see cref="StoreTimeout"/>; default the system's.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
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
