namespace Sluice.Bench;

/// <summary>Every scenario, in the order of the gate table.</summary>
internal static class Catalogue
{
    public static IReadOnlyList<Scenario> Scenarios { get; } =
    [
        Fused.Scenario, FusedAsync.Scenario, Fusions.Scenario, Boundary.Scenario, Tracked.Scenario, Telemetry.Scenario, Parallel.Scenario,
        Parse.Scenario, Wide.Scenario, Delays.Scenario, Heavy.Scenario,
        Keyed.Scenario, Broadcast.Scenario, Route.Scenario, Latency.Scenario, Startup.Scenario, AirportDistances.Scenario,
        Durable.Scenario, Stateful.Scenario, ManyKeys.Scenario, Chained.Scenario, Recover.Scenario, Http.Scenario, Redis.Scenario,
        Hop.Scenario, Postgres.Scenario, PostgresQueue.Scenario, PostgresTx.Scenario, PostgresHop.Scenario, PostgresSinks.Scenario,
        PostgresSustained.Scenario, Files.Scenario, Files.Large, Members.Scenario, StoreCalls.Scenario, Processes.Scenario,
        PythonMaps.Scenario, CeleryStarts.Scenario,
        Dag.Scenario, Resolve.Diamond, Resolve.FanOut, Resolve.Recorded, Watched.Scenario, Top.Scenario, Flows.Scenario, Deep.Scenario,
        Failing.Scenario, Polluted.Scenario,
    ];
}
