using Sluice.Diagnostics;
using Sluice.Shared;
using Sluice.Storage;

namespace Sluice.Celery;

/// <summary>Calls tasks of a Celery application: as stages of pipelines, as steps, or by themselves.</summary>
/// <remarks>
/// Thread-safe. It connects with the first call. Results come by the application's result backend, which must be Redis, with
/// <c>result_serializer = "json"</c>.
/// </remarks>
/// <example><code>
/// await using var celery = new CeleryClient("amqp://guest:guest@localhost//", "redis://localhost:6379/1");
/// var resize = celery.Task&lt;string, string&gt;("shop.tasks.resize");
/// await (Source.From(images) | resize | Stage.Parallel(32) | Save).RunAsync();
/// </code></example>
public sealed class CeleryClient : IAsyncDisposable
{
    private readonly Broker broker;
    private readonly ResultBackend results;
    private readonly CancellationTokenSource life = new();
    private readonly CancellationToken ended;
    private readonly OneDisposal disposal = new();

    /// <summary>Creates a client. Nothing is connected yet.</summary>
    /// <param name="broker">The address of the broker, as Celery writes it; see <c>Executor.Celery</c>.</param>
    /// <param name="resultBackend">The address of the result backend, <c>redis://…</c>; null for the broker, if that is Redis.</param>
    /// <exception cref="ArgumentException">An address cannot be read, or the result backend is not Redis. The message never has the
    /// address.</exception>
    public CeleryClient(string broker, string? resultBackend = null)
    {
        BrokerAddress address = BrokerAddress.Parse(broker);
        BrokerAddress backend = resultBackend is null ? address : BrokerAddress.Parse(resultBackend, nameof(resultBackend));
        if (!backend.IsRedis)
            throw new ArgumentException(
                "Results come by Redis only. Give its address as the result backend, and set result_backend of the Celery application to "
                    + "it.", nameof(resultBackend));
        this.broker = Broker.Of(address);
        this.broker.OnWarning = static text => WarningHandlers.Tell(null, text);
        results = new(new(backend, "result backend"));
        ended = life.Token;
    }

    internal CeleryClient(Broker broker, BrokerAddress backend)
        => (this.broker, results, ended) = (broker, new(new(backend, "result backend")), life.Token);

    /// <summary>Makes a function that has a worker execute a task, and waits for its result.</summary>
    /// <remarks>
    /// <para>
    /// Each call is one task with an id of its own. The function throws a <see cref="CeleryTaskException"/> if the task fails, with its
    /// traceback; if it was revoked, has reached a time limit, or has no result in time; and if the broker or the result backend cannot
    /// be used. A stage that retries (<see cref="Stage.Retry"/>) sends another task.
    /// </para>
    /// <para>
    /// A cancelled call does not wait any more; the task goes on. The result is not deleted: Celery forgets it after
    /// <c>result_expires</c>.
    /// </para>
    /// </remarks>
    /// <typeparam name="TIn">The argument; see <see cref="CeleryTaskOptions.Arguments"/> for tasks with several.</typeparam>
    /// <typeparam name="TOut">The result.</typeparam>
    /// <param name="name">The name of the task, such as <c>app.tasks.add</c>.</param>
    /// <param name="options">Arguments, queue and limits.</param>
    /// <returns>The function: thread-safe, and valid until the client is disposed.</returns>
    /// <exception cref="PayloadException">A type does not survive serialization.</exception>
    /// <exception cref="ArgumentException">A type is <c>byte[]</c>: use a string, which for a task that returns bytes is their base64. Or
    /// options contradict each other.</exception>
    public Func<TIn, CancellationToken, Task<TOut>> Task<TIn, TOut>(string name, CeleryTaskOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        options ??= new();
        if (typeof(TIn) == typeof(byte[]) || typeof(TOut) == typeof(byte[]))
            throw new ArgumentException("Tasks of Celery take and return JSON, so their values cannot be byte[]. Use a string: of a task "
                + "that returns bytes, it is their base64.", nameof(name));
        options.Route.Check(nameof(options));
        var call = new TaskCall<TIn, TOut>(broker, results, name, options, ended);
        return call.InvokeAsync;
    }

    /// <summary>Closes the connections. Waiting and later calls throw an <see cref="ObjectDisposedException"/>; tasks go on.</summary>
    public ValueTask DisposeAsync() => disposal.RunAsync(async () =>
    {
        await life.CancelAsync().ConfigureAwait(false);
        life.Dispose();
        await broker.DisposeAsync().ConfigureAwait(false);
        await results.DisposeAsync().ConfigureAwait(false);
    });
}
