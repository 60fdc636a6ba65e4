using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Sluice.Celery;

/// <summary>Options of an executor whose functions run in Celery workers (<c>Executor.Celery</c>). Immutable.</summary>
public sealed record CeleryExecutorOptions
{
    /// <summary>The route of all processors that have none in <see cref="Routes"/>. Its default queue is <c>sluice</c>.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public CeleryRoute Route { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = new();

    /// <summary>The routes of processors, by their names.</summary>
    /// <exception cref="ArgumentNullException">The value is null, or a route in it.</exception>
    public IReadOnlyDictionary<string, CeleryRoute> Routes
    {
        get;
        init => field = (value ?? throw new ArgumentNullException(nameof(value))).ToDictionary(static route => route.Key,
            static route => route.Value ?? throw new ArgumentNullException(nameof(value), $"The route of {route.Key} is null."),
            StringComparer.Ordinal);
    } = new Dictionary<string, CeleryRoute>();

    /// <summary>The name of the task, as <c>sluice.celery.serve</c> registers it; default <c>sluice.run</c>.</summary>
    public string TaskName { get; init; } = "sluice.run";

    /// <summary>
    /// Where this service listens for workers; default the loopback address, with a free port. For workers on other machines use an
    /// address of the network, or <see cref="IPAddress.Any"/>, and <see cref="Certificate"/>.
    /// </summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public IPEndPoint Listen { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); }
        = new(IPAddress.Loopback, 0);

    /// <summary>
    /// The name or address under which workers reach this service. Null (the default) for the address of <see cref="Listen"/>, or for the
    /// name of the machine if that is any address.
    /// </summary>
    public string? Host { get; init; }

    /// <summary>
    /// The certificate, with its private key, for TLS between workers and this service; null (the default) for none. It may be
    /// self-signed: a task tells the worker which certificate to expect.
    /// </summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>
    /// The largest payload of a value sent to or by a worker, in bytes; a larger one fails its function. 1 byte to 1 GiB; default 16 MiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is out of range.</exception>
    public int MaxValueBytes
    {
        get;
        init => field = value is >= 1 and <= 1 << 30 ? value
            : throw new ArgumentOutOfRangeException(nameof(MaxValueBytes), value, "From 1 to 1,073,741,824.");
    } = 16 << 20;

    /// <summary>
    /// How long a task may wait for a worker, in real time. Then there is a warning that names the queue, and the task is sent once more,
    /// in case the first one was lost with its worker or broker. The first worker gets the function; later ones find nothing to do. Doubles
    /// each time, up to an hour while tasks wait in the queue or the broker does not answer, otherwise up to a minute; or to this time if
    /// it is longer. Default 30 seconds.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero, negative, or more than 49 days.</exception>
    public TimeSpan PickUpTimeout { get; init => field = Time(value, nameof(PickUpTimeout)); } = TimeSpan.FromSeconds(30);

    /// <summary>The time in which a cancelled function ends, in real time. Then its connection is closed. Default 5 seconds.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Zero, negative, or more than 49 days.</exception>
    public TimeSpan StopTimeout { get; init => field = Time(value, nameof(StopTimeout)); } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Receives warnings, on any thread: nobody takes a task, or the broker is away. Default: the event source <c>Sluice</c> and, each text
    /// once, standard error.
    /// </summary>
    public Action<string>? OnWarning { get; init => field = AsyncVoid.RefuseCallback(value, "CeleryExecutorOptions.OnWarning"); }

    /// <returns>The route of a processor, with a queue.</returns>
    internal CeleryRoute RouteOf(string processor)
    {
        CeleryRoute route = Routes.TryGetValue(processor, out CeleryRoute? own) ? own : Route;
        return route.Queue is null ? route with { Queue = Route.Queue ?? "sluice" } : route;
    }

    /// <exception cref="ArgumentException">Options contradict each other.</exception>
    internal void Check(string name)
    {
        if (string.IsNullOrWhiteSpace(TaskName)) throw new ArgumentException("The task needs a name, such as sluice.run.", name);
        if (Host is not null && string.IsNullOrWhiteSpace(Host))
            throw new ArgumentException("The host, as workers name this service, is empty. Null is for the address of Listen.", name);
        foreach (CeleryRoute route in Routes.Values.Prepend(Route)) route.Check(name);
        if (Certificate is { HasPrivateKey: false })
            throw new ArgumentException("The certificate for workers has no private key, so it cannot be used for TLS.", name);
    }

    private static TimeSpan Time(TimeSpan value, string name) => value > TimeSpan.Zero && value <= TimeSpan.FromDays(49) ? value
        : throw new ArgumentOutOfRangeException(name, value, "More than zero, and at most 49 days.");
}
