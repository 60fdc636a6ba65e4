using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Sluice.Testing;

/// <summary>
/// The contract of <see cref="IStreamStore"/>, as scenarios for any test framework: make each name a test case, and run it with a new
/// fixture.
/// </summary>
/// <example><code>
/// public static TheoryData&lt;string&gt; Scenarios => [.. StreamStoreContract.Scenarios];
///
/// [Theory, MemberData(nameof(Scenarios))]
/// public async Task KeepsTheContract(string scenario)
/// {
///     if (await StreamStoreContract.RunAsync(scenario, new MyFixture()) is { } missing) Assert.Skip(missing);
/// }
/// </code></example>
public static class StreamStoreContract
{
    private static readonly Dictionary<string, Func<Rig, Task>> All = new(
    [
        .. Of(typeof(AppendScenarios)), .. Of(typeof(MemberScenarios)), .. Of(typeof(ClockScenarios)), .. Of(typeof(TwoHandleScenarios)),
        .. Of(typeof(OwnershipScenarios)), .. Of(typeof(QuarantineScenarios)), .. Of(typeof(CommitScenarios)),
        .. Of(typeof(VoidCommitScenarios)), .. Of(typeof(WaitingScenarios)), .. Of(typeof(LetterScenarios)), .. Of(typeof(ReaderScenarios)),
        .. Of(typeof(BoundScenarios)), .. Of(typeof(StateScenarios)), .. Of(typeof(WakeUpScenarios)), .. Of(typeof(RecoveryScenarios)),
        .. Of(typeof(DamageScenarios)), .. Of(typeof(PauseScenarios)), .. Of(typeof(DrainScenarios)),
        .. Of(typeof(MissingNameScenarios)), .. Of(typeof(ErrorTextScenarios)), .. Of(typeof(NameScenarios)),
        .. Of(typeof(RemovalScenarios)), .. Of(typeof(FunctionScenarios)),
        .. RandomScenarios.All,
    ], StringComparer.Ordinal);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>The names of all scenarios, which describe what they test. Each run needs its own fixture.</summary>
    public static IReadOnlyList<string> Scenarios { get; } = [.. All.Keys];

    /// <summary>Runs a scenario.</summary>
    /// <param name="scenario">One of <see cref="Scenarios"/>.</param>
    /// <param name="fixture">A new fixture; disposed at the end.</param>
    /// <returns>
    /// Null if the store was checked. Otherwise the ability that the fixture or the store lacks for this scenario, as text: skip the test
    /// with it.
    /// </returns>
    /// <exception cref="StreamStoreContractException">
    /// The store breaks the contract; the message says where. That is also so if no call of the scenario begins or ends for five minutes.
    /// </exception>
    /// <exception cref="ArgumentException">The scenario does not exist.</exception>
    public static Task<string?> RunAsync(string scenario, StreamStoreFixture fixture) => CheckAsync(scenario, fixture, TimeProvider.System);

    internal static async Task<string?> CheckAsync(string scenario, StreamStoreFixture fixture, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(fixture);
        return await WithAsync(fixture, time, () => All.TryGetValue(scenario, out Func<Rig, Task>? run)
            ? CheckAsync(scenario, fixture, run, time)
            : throw new ArgumentException($"There is no scenario {scenario}.", nameof(scenario)));
    }

    /// <summary>Runs random operations against a store and a simple model of it, and compares the two after each.</summary>
    /// <param name="seed">The seed; equal seeds give equal operations.</param>
    /// <param name="steps">The number of operations; at least one. The model keeps every entry, so a step takes longer the more have been
    /// made: take several seeds with thousands of steps, rather than one with a hundred thousand.</param>
    /// <param name="fixture">A new fixture; disposed at the end.</param>
    /// <exception cref="StreamStoreContractException">Store and model differ; the message names the step.</exception>
    public static async Task RunRandomAsync(int seed, int steps, StreamStoreFixture fixture)
    {
        ArgumentNullException.ThrowIfNull(fixture);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        await WithAsync(fixture, TimeProvider.System, () => CheckAsync($"random operations, seed {seed}", fixture,
            rig => RandomScenarios.RunAsync(rig, seed, steps), TimeProvider.System));
    }

    /// <summary>Disposes the fixture at the end. A failure of the check counts, and not what the disposal does then: the store may be open
    /// still, and hold its files.</summary>
    private static async Task<string?> WithAsync(StreamStoreFixture fixture, TimeProvider time, Func<Task<string?>> check)
    {
        string? missing;
        try
        {
            missing = await check();
        }
        catch
        {
            await EndElsewhereAsync().WaitAsync(Patience, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        await fixture.DisposeAsync();
        return missing;

        // On another thread: it may block.
        async Task EndElsewhereAsync()
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            await fixture.DisposeAsync();
        }
    }

    /// <summary>The scenarios of a class: its public methods.</summary>
    private static IEnumerable<KeyValuePair<string, Func<Rig, Task>>> Of(
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicMethods)] Type scenarios)
        => scenarios.GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Select(method => KeyValuePair.Create(method.Name, method.CreateDelegate<Func<Rig, Task>>()));

    private static async Task<string?> CheckAsync(string scenario, StreamStoreFixture fixture, Func<Rig, Task> run, TimeProvider time)
    {
        var calls = new CallLog();
        var rig = new Rig(fixture, calls);
        Task<string?> work = CheckAsync(scenario, rig, run);
        while (true)
        {
            long seen = calls.Changes;
            try
            {
                return await work.WaitAsync(Patience, time);
            }
            catch (TimeoutException late) when (!work.IsCompleted)
            {
                if (calls.Changes != seen) continue;
                string still = $"for {Patience.TotalMinutes:0} minutes no call has begun or ended; in progress: "
                    + string.Join(", ", calls.Running.DefaultIfEmpty("none"));
                throw rig.Failure is { } failure ? new($"{failure.Message}. Then it stands still: {still}", failure)
                    : new StreamStoreContractException($"{scenario}: it stands still: {still}", late);
            }
        }
    }

    private static async Task<string?> CheckAsync(string scenario, Rig rig, Func<Rig, Task> run)
    {
        await rig.OpenAsync();
        try
        {
            await run(rig);
            await rig.DisposeAsync();
            return rig.Unchecked;
        }
        catch (Exception failure)
        {
            if (failure is not NotCheckedException) rig.Failure = new($"{scenario}: {failure.Message}", failure);
            await rig.DisposeAsync().AsTask().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);        // the first failure counts
            return rig.Failure is null ? failure.Message : throw rig.Failure;
        }
    }
}

/// <summary>A scenario cannot check the store, because it lacks an ability that is optional.</summary>
internal sealed class NotCheckedException(string message) : Exception(message);

/// <summary>A store breaks the contract of <see cref="IStreamStore"/>.</summary>
public sealed class StreamStoreContractException : SluiceException
{
    /// <summary>Creates an exception without a message.</summary>
    public StreamStoreContractException() { }

    /// <summary>Creates an exception.</summary>
    /// <param name="message">The scenario, the expected value and the actual one.</param>
    public StreamStoreContractException(string message) : base(message) { }

    /// <summary>Creates an exception with a cause.</summary>
    /// <param name="message">The scenario, the expected value and the actual one.</param>
    /// <param name="inner">The cause.</param>
    public StreamStoreContractException(string message, Exception inner) : base(message, inner) { }
}
