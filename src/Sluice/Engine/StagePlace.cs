using Sluice.Scheduling;

namespace Sluice.Engine;

/// <summary>Where a stage instance stands, if there are several of its node: its partition, its lane, its key. Set while the run is built,
/// or before the instance of a key takes its first item; <see cref="StageContext"/> says what each part is.</summary>
internal sealed class StagePlace
{
    public StateScope? Scope { get; set; }

    public Delegate? KeyOf { get; set; }

    public Func<string, bool>? OwnsKey { get; set; }

    public KeyClock? KeyClock { get; set; }

    public Func<object?>? PresentKey { get; set; }

    public LaneWaits? LaneWaits { get; set; }

    public Gate? Gate { get; set; }
}
