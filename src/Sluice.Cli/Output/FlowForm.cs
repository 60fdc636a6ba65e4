using System.Text.Json.Serialization;
using Sluice.Flows;

namespace Sluice.Cli.Output;

/// <summary>The JSON of a run in a list. Hosts, waits and streams cost queries for each run, so a list does not have them.</summary>
internal class ListedFlow(FlowRunInfo run)
{
    public string Run => run.Run;

    public FlowStatus Status => run.Status;

    public string StartedBy => run.StartedBy;

    public DateTimeOffset StartedAt => run.StartedAt;

    public DateTimeOffset? EndedAt => run.EndedAt;

    public virtual IEnumerable<object> Processors => run.Processors.Select(static one => new ListedProcessor(one));

    protected FlowRunInfo Info => run;
}

/// <summary>The JSON of one run: what a list has of it comes first.</summary>
internal sealed class ShownFlow(FlowRunInfo run) : ListedFlow(run)
{
    [JsonPropertyOrder(1)]
    public override IEnumerable<object> Processors => Info.Processors.Select(static one => new ShownProcessor(one));

    [JsonPropertyOrder(2)]
    public IEnumerable<object> Streams
        => Info.Streams.Select(static one => new { one.Name, one.Written, one.Kept, one.Bytes, one.IsComplete });
}

/// <summary>The JSON of a processor in a list of runs.</summary>
internal class ListedProcessor(ProcessorInfo processor)
{
    public string Name => processor.Name;

    public FlowStatus Status => processor.Status;

    public string? Host => processor.Host;

    public int Starts => processor.Starts;

    public int FailedAttempts => processor.FailedAttempts;

    public string? Error => processor.Error;

    public string? LastFailure => processor.LastFailure;

    public string? Origin => processor.Origin;

    public DateTimeOffset? PausedAt => processor.PausedAt;

    protected ProcessorInfo Info => processor;
}

/// <summary>The JSON of a processor of one run.</summary>
internal sealed class ShownProcessor(ProcessorInfo processor) : ListedProcessor(processor)
{
    [JsonPropertyOrder(1)]
    public string? WaitsFor => Info.WaitsFor;

    [JsonPropertyOrder(2)]
    public double? NoHostFor => Info.NoHostFor?.TotalSeconds;
}
