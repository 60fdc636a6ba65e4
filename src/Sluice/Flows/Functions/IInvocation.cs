using Sluice.Topologies;

namespace Sluice.Flows;

/// <summary>One start of a processor as its function sees it, in the process with the store or in a remote one.</summary>
/// <remarks>Implementations are thread-safe for all that a function may use.</remarks>
internal interface IInvocation
{
    string Run { get; }

    ProcessorPlan Plan { get; }

    int Start { get; }

    /// <summary>The number of this attempt, from 1.</summary>
    int Attempt { get; }

    TimeProvider Time { get; }

    StartTelemetry Telemetry { get; }

    FlowSerializers Serializers { get; }

    /// <summary>The state that the function has saved last.</summary>
    byte[]? State { get; }

    /// <exception cref="ArgumentException">The processor has no such input.</exception>
    IInputPort Input(string name);

    /// <exception cref="ArgumentException">The processor has no such output.</exception>
    IOutputPort Output(string name);

    /// <summary>The plan of one of the processor's streams.</summary>
    StreamPlan Stream(string name);

    Task SaveAsync(byte[] state, CancellationToken cancellation);
}

/// <summary>Code that all invocations share.</summary>
internal static class InvocationParts
{
    public static T Find<T>(this IReadOnlyDictionary<string, T> ports, string kind, string name, ProcessorPlan plan)
        => ports.TryGetValue(name, out T? port) ? port
        : throw new ArgumentException($"The processor {plan.Name}: {NearNames.Explain(kind, name, [.. ports.Keys])}");

    public static ValueTask PutOutAsync(this IInvocation invocation, IOVal value, CancellationToken cancellation)
    {
        ProcessorPlan plan = invocation.Plan;
        if (value is null)
            throw new FlowException($"The processor {plan.Name} has put out null. Put out IOVal.Of(name, value); the value may be null.")
            {
                Run = invocation.Run
            };
        if (Array.IndexOf(plan.Outputs, value.Name) < 0)
            throw new FlowException(
                $"The processor {plan.Name} has put out to \"{value.Name}\", which is not among its "
                    + $"outputs ({string.Join(", ", plan.Outputs)}). Add it to Outputs, or correct the name.")
            { Run = invocation.Run };
        if (invocation.Stream(value.Name).Type is { } type && type != TypeNames.ToStore(value.Type))
            throw new FlowException(
                $"The processor {plan.Name} has put out a value of the type {TypeNames.Of(value.Type)} to \"{value.Name}\", whose values "
                    + $"are of the type {type}. Convert the value, or correct the name in IOVal.Of.")
            {
                Run =
                    invocation.Run
            };
        return value.WriteAsync(invocation.Output(value.Name), invocation.Serializers.Of(value.Name), cancellation);
    }
}
