namespace Sluice.Testing;

/// <summary>
/// What every <see cref="IStreamStore"/> must do, as scenarios that any test framework can run: make each name a test case, and run it against a
/// new fixture.
/// </summary>
/// <example><code>
/// public static TheoryData&lt;string&gt; Scenarios => [.. StreamStoreContract.Scenarios];
///
/// [Theory, MemberData(nameof(Scenarios))]
/// public async Task KeepsTheContract(string scenario) => await StreamStoreContract.RunAsync(scenario, new MyFixture());
/// </code></example>
public static class StreamStoreContract
{
    private static readonly Dictionary<string, Func<Rig, Task>> All = new(
    [
        .. AppendScenarios.All, .. MemberScenarios.All, .. ClockScenarios.All, .. TwoHandleScenarios.All, .. OwnershipScenarios.All, .. QuarantineScenarios.All, .. CommitScenarios.All, .. VoidCommitScenarios.All,
        .. WaitingScenarios.All, .. LetterScenarios.All, .. ReaderScenarios.All, .. BoundScenarios.All, .. StateScenarios.All,
        .. RecoveryScenarios.All, .. DamageScenarios.All, .. RandomScenarios.All,
    ], StringComparer.Ordinal);

    /// <summary>The names of all scenarios: what they show, in words. One fixture serves one scenario.</summary>
    public static IReadOnlyList<string> Scenarios { get; } = [.. All.Keys];

    /// <summary>Runs a scenario.</summary>
    /// <param name="scenario">One of <see cref="Scenarios"/>.</param>
    /// <param name="fixture">A new fixture; disposed at the end.</param>
    /// <exception cref="StreamStoreContractException">The store does not keep the contract; says where.</exception>
    /// <exception cref="ArgumentException">There is no such scenario.</exception>
    public static async Task RunAsync(string scenario, StreamStoreFixture fixture)
    {
        ArgumentNullException.ThrowIfNull(fixture);
        if (!All.TryGetValue(scenario, out Func<Rig, Task>? run)) throw new ArgumentException($"There is no scenario {scenario}.", nameof(scenario));
        await using (fixture)
            await RunAsync(scenario, fixture, run);
    }

    /// <summary>Runs random operations against a store and a simple model of it, and compares the two after each.</summary>
    /// <param name="seed">Makes the same operations every time.</param>
    /// <param name="steps">How many operations; at least one.</param>
    /// <param name="fixture">A new fixture; disposed at the end.</param>
    /// <exception cref="StreamStoreContractException">They differ; says at which step.</exception>
    public static async Task RunRandomAsync(int seed, int steps, StreamStoreFixture fixture)
    {
        ArgumentNullException.ThrowIfNull(fixture);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        await using (fixture)
            await RunAsync($"random operations, seed {seed}", fixture, rig => RandomScenarios.RunAsync(rig, seed, steps));
    }

    private static async Task RunAsync(string scenario, StreamStoreFixture fixture, Func<Rig, Task> run)
    {
        await using var rig = new Rig(fixture);
        try
        {
            await rig.OpenAsync();
            await run(rig);
        }
        catch (Exception failure)
        {
            throw new StreamStoreContractException($"{scenario}: {failure.Message}", failure);
        }
    }
}

/// <summary>A store does not keep the contract of <see cref="IStreamStore"/>.</summary>
public sealed class StreamStoreContractException : SluiceException
{
    /// <summary>Makes one without a message.</summary>
    public StreamStoreContractException() { }

    /// <summary>Makes one.</summary>
    /// <param name="message">The scenario, what was expected and what came.</param>
    public StreamStoreContractException(string message) : base(message) { }

    /// <summary>Makes one with a cause.</summary>
    /// <param name="message">The scenario, what was expected and what came.</param>
    /// <param name="inner">The cause.</param>
    public StreamStoreContractException(string message, Exception inner) : base(message, inner) { }
}
