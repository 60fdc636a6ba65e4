using Sluice.Topologies;

namespace Sluice.Flows;

/// <summary>The remote side of calls (<see cref="Executor.OpenRemote"/>): it has the functions, and no store.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
/// <example><code>
/// var worker = new RemoteWorker(functions);
/// using RemoteFunction function = worker.Open(message => connection.Send(message));
/// try
/// {
///     while (await connection.ReceiveAsync() is { } message) function.Receive(message);
/// }
/// finally                              // also if the connection has failed
/// {
///     function.Lose();
///     await function.Completion;
/// }
/// </code></example>
public sealed class RemoteWorker
{
    private readonly Dictionary<string, BoundFunction> functions = new(StringComparer.Ordinal);

    /// <summary>Makes a worker.</summary>
    /// <param name="functions">The processors and their functions, the same as the service registers.</param>
    /// <param name="options">The serializers, services and clock; use the same options as the supervisor.</param>
    /// <param name="maxValueBytes">The largest payload of a value, in bytes; default 16 MiB.</param>
    /// <exception cref="ArgumentException">A parameter or result of a function cannot be bound; the message names it.</exception>
    public RemoteWorker(ProcessorFunctions functions, SupervisorOptions? options = null, int maxValueBytes = 16 << 20)
        : this(Bind(functions, options), options ?? new(), maxValueBytes, "a RemoteWorker", "its maxValueBytes")
        => ArgumentOutOfRangeException.ThrowIfLessThan(maxValueBytes, 1);

    /// <param name="bound">The functions.</param>
    /// <param name="options">The serializers, services and clock.</param>
    /// <param name="maxValueBytes">The largest payload of a value.</param>
    /// <param name="place">What this is, for errors: <c>a child process</c>.</param>
    /// <param name="option">What sets <paramref name="maxValueBytes"/>, for errors.</param>
    internal RemoteWorker(BoundFunction[] bound, SupervisorOptions options, int maxValueBytes, string place, string option)
    {
        (Options, MaxValueBytes, Limit) = (options, maxValueBytes, $"{place} sends {maxValueBytes:N0} at most ({option})");
        foreach (BoundFunction function in bound.Where(static one => one.Executor is null)) functions[function.Processor.Name] = function;
    }

    internal SupervisorOptions Options { get; }

    internal ProcessorServices Services => Options.Services ?? ProcessorServices.None;

    internal int MaxValueBytes { get; }

    /// <summary>The limit of <see cref="MaxValueBytes"/>, for errors.</summary>
    internal string Limit { get; }

    /// <summary>Opens the remote side of a call. The first message names the function.</summary>
    /// <param name="send">Sends a message to the service's side.</param>
    public RemoteFunction Open(Action<ReadOnlySpan<byte>> send)
    {
        ArgumentNullException.ThrowIfNull(send);
        return new(this, send);
    }

    internal BoundFunction? Find(string processor) => functions.GetValueOrDefault(processor);

    /// <summary>The error for a processor without a function here.</summary>
    internal string Lacks(string processor)
        => $"Where it is executed there is no function for it: what is registered with the supervisor must be given to "
        + $"Worker.TryRunAsWorkerAsync (or to the RemoteWorker), too. {NearNames.Explain("processor", processor, functions.Keys)}";

    private static BoundFunction[] Bind(ProcessorFunctions functions, SupervisorOptions? options)
    {
        ArgumentNullException.ThrowIfNull(functions);
        return functions.Bind(options ?? new());
    }
}
