namespace Sluice;

/// <summary>The other side of calls that an executor has brought elsewhere (<see cref="RemoteCalls.OpenRemote"/>): has the functions, and no store.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
/// <example><code>
/// var worker = new RemoteWorker(functions);
/// using RemoteFunction function = worker.Open(message => connection.Send(message));
/// while (await connection.ReceiveAsync() is { } message) function.Receive(message);
/// function.Lose();
/// </code></example>
public sealed class RemoteWorker
{
    private readonly Dictionary<string, BoundFunction> functions = new(StringComparer.Ordinal);

    /// <summary>Makes one.</summary>
    /// <param name="functions">The processors, and what they do: those that the service registers.</param>
    /// <param name="options">Serializers, services and clock are taken from here: the same as the supervisor's.</param>
    /// <param name="maxValueBytes">The longest payload of a value that is sent, in bytes; 16 MiB unless given.</param>
    /// <exception cref="ArgumentException">A parameter or the result of a function is nothing that can be bound; names it.</exception>
    public RemoteWorker(ProcessorFunctions functions, SupervisorOptions? options = null, int maxValueBytes = 16 << 20)
        : this(Bind(functions, options), options ?? new(), maxValueBytes)
        => ArgumentOutOfRangeException.ThrowIfLessThan(maxValueBytes, 1);

    internal RemoteWorker(BoundFunction[] bound, SupervisorOptions options, int maxValueBytes)
    {
        (Options, MaxValueBytes) = (options, maxValueBytes);
        foreach (BoundFunction function in bound) functions[function.Processor.Name] = function;
    }

    internal SupervisorOptions Options { get; }

    internal ProcessorServices Services => Options.Services ?? ProcessorServices.None;

    internal int MaxValueBytes { get; }

    /// <summary>Begins to take a call. Which function is to be executed says its first message.</summary>
    /// <param name="send">Brings messages to the side that has the streams.</param>
    public RemoteFunction Open(SendMessage send)
    {
        ArgumentNullException.ThrowIfNull(send);
        return new(this, send);
    }

    internal BoundFunction? Find(string processor) => functions.GetValueOrDefault(processor);

    /// <summary>What is said of a processor that has no function here.</summary>
    internal string Lacks(string processor)
        => $"Where it is executed there is no function for it: what is registered with the supervisor must be given to Worker.TryRunAsWorkerAsync (or to the RemoteWorker), too. {NearNames.Explain("processor", processor, functions.Keys)}";

    private static BoundFunction[] Bind(ProcessorFunctions functions, SupervisorOptions? options)
    {
        ArgumentNullException.ThrowIfNull(functions);
        return functions.Bind(options?.Services ?? ProcessorServices.None);
    }
}
