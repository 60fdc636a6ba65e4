namespace Sluice.Diagnostics;

/// <summary>
/// The names of attributes. They are a contract with users' dashboards (docs/operations/metrics.md), and follow OpenTelemetry's semantic
/// conventions for messaging (v1.44.0) where those have a name.
/// </summary>
internal static class TelemetryNames
{
    public const string System = "messaging.system";
    public const string Operation = "messaging.operation.name";
    public const string OperationType = "messaging.operation.type";
    public const string Destination = "messaging.destination.name";
    public const string Partition = "messaging.destination.partition.id";
    public const string Group = "messaging.consumer.group.name";
    public const string Message = "messaging.message.id";
    public const string BatchCount = "messaging.batch.message_count";
    public const string Error = "error.type";

    public const string Outcome = "sluice.outcome";
    public const string Node = "sluice.node.name";
    public const string Graph = "sluice.graph.name";
    public const string Step = "sluice.step.name";
    public const string Attempt = "sluice.attempt";
    public const string Processor = "sluice.processor.name";
    public const string FlowRun = "sluice.flow.run";

    /// <summary>The value of <see cref="System"/>.</summary>
    public const string Sluice = "sluice";

    /// <summary>The value of <see cref="Error"/> for an exception: the name of its type.</summary>
    public static string ErrorOf(Exception failure) => failure.GetType().FullName ?? "_OTHER";
}
