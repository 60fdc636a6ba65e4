namespace Sluice.Delivery;

/// <summary>The name, the options and the properties of a consecutor that never change.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class ConsecutorIdentity(string name, ConsecutorOptions options, TopologyRecorder recorder)
{
    /// <summary>The name of the consecutor, its stream and its group.</summary>
    public string Name => name;

    public ConsecutorOptions Options => options;

    public GroupId Group { get; } = new(name, name);

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; } = options.Run.Time;

    /// <summary>Jitters the waits before retries.</summary>
    public Random Random { get; } = Random.Shared;

    /// <summary>The pipeline as it was drawn.</summary>
    public TopologyRecorder Recorder => recorder;

    /// <summary>Whether stages keep state.</summary>
    public bool KeepsState { get; } = recorder.KeepsState;

    /// <summary>Whether stages act when time has passed.</summary>
    public bool KeepsTime { get; } = recorder.KeepsTime;

    /// <summary>Whether nodes set timers.</summary>
    public bool KeepsTimers { get; } = recorder.States.Values.Any(static state => state.HasTimers);

    /// <summary>The serializers of state: without layers around payloads, so that rows can be migrated.</summary>
    public PayloadSerializers StateSerializers { get; } = options.Serializers.Plain;
}
