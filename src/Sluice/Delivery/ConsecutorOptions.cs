using Sluice.Delivery;
using Sluice.Membership;
using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice;

/// <summary>The options of a consecutor. Immutable. The consecutor gives its name to its stream and its group.</summary>
public sealed record ConsecutorOptions
{
    private const int MaxOfMember = StreamNames.MaxLength - 20;          // the names of producers begin with it

    /// <summary>The store that keeps accepted items until they have ended. Null, the default, keeps them in this process only: they are
    /// tracked, replayed and dead-lettered alike, but end with the consecutor. The consecutor does not dispose the store.</summary>
    public IStreamStore? Store { get; init; }

    /// <summary>The guarantee for accepted items; <c>Replay(3)</c> by default.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public DeliveryGuarantee Delivery
    {
        get;
        init => field = OptionValue.NotNull(value, nameof(ConsecutorOptions));
    } = DeliveryGuarantee.Replay(3);

    /// <summary>The options of the consecutor's stream, such as partitions and bounds; used only if the stream does not exist yet. By
    /// default it has 64 partitions, or one if a node keeps state and items have no key, also if other options of the stream are
    /// given.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public StreamOptions Stream
    {
        get;
        init => field = OptionValue.NotNull(value, nameof(ConsecutorOptions));
    } = new();

    /// <summary>The serializers of payloads; JSON by default.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public PayloadSerializers Serializers
    {
        get;
        init => field = OptionValue.NotNull(value, nameof(ConsecutorOptions));
    } = PayloadSerializers.Json;

    /// <summary>The most items in flight, from lease to commit: 1 or more; 4,096 by default. Other accepted items stay in the
    /// store.</summary>
    /// <remarks>After a crash, all items that were in flight, whether begun or not, run first, one at a time: a smaller limit makes that
    /// time shorter, for slow functions.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int MaxInFlight { get; init => field = OptionValue.AtLeast(1, value, nameof(ConsecutorOptions)); } = 4096;

    /// <summary>
    /// The most bytes that one item may write to outputs that lead to other consecutors: 1 or more; 64 MiB by default. Each entry counts
    /// 100 bytes more than its payload. The outputs of an item stay in memory until they are committed, for a moment twice. An item that
    /// exceeds the limit becomes a dead letter with that reason, and none of its outputs is committed.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public long MaxOutputBytes { get; init => field = OptionValue.AtLeast(1, value, nameof(ConsecutorOptions)); } = 64 << 20;

    /// <summary>
    /// How long ended items may wait for others to share their commit; zero by default. At zero, a commit begins when the previous one has
    /// ended, so that commits grow under load. A longer interval saves writes and costs more repetitions after a crash. Items do not wait
    /// for the interval if something of this process waits for them: room (<see cref="MaxInFlight"/>, a full stream), a suspect that
    /// runs alone, a pause, a stop, a member that is to have a partition, or <see cref="Consecutor{T}.WaitForIdleAsync"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative, or more than 49 days.</exception>
    public TimeSpan CommitInterval { get; init => field = OptionValue.Wait(value, nameof(ConsecutorOptions)); }

    /// <summary>
    /// The name of this member, unique among the members that share the work of a consecutor. By default it is made of machine, process and
    /// a random part, so each process has its own. A second living process under the same name is refused
    /// (<see cref="MemberInUseException"/>). Give a fixed name to a service with one process at a time: a new process acquires the
    /// partitions of the former one when that one has been silent for its lease duration.
    /// </summary>
    /// <exception cref="ArgumentException">Null, empty, longer than 180 characters, or with control characters.</exception>
    public string InstanceId
    {
        get;
        init
        {
            StreamNames.Check(OptionValue.NotNull(value, nameof(ConsecutorOptions)),
                $"{nameof(ConsecutorOptions)}.{nameof(InstanceId)}", MaxOfMember);
            field = value;
        }
    } = MemberInstance.DefaultMember;

    /// <summary>Whether no later start uses the member's name.</summary>
    internal bool IsMemberUnique
    {
        get => field || InstanceId == MemberInstance.DefaultMember;
        init;
    }

    /// <summary>The lease duration: how long a member must be silent before others acquire its partitions. At least 100 milliseconds; 30
    /// seconds by default.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 100 milliseconds, or more than 49 days.</exception>
    public TimeSpan LeaseDuration
    {
        get;
        init => field = OptionValue.AtLeast(TimeSpan.FromMilliseconds(100), OptionValue.Limit(value, nameof(ConsecutorOptions)),
            nameof(ConsecutorOptions));
    } = TimeSpan.FromSeconds(30);

    /// <summary>The version of this code, stored with every payload: zero or more; zero by default. This code leaves alone a partition that
    /// newer code has committed to. An item that newer code has sent is parked until code of its version starts.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public int CodeVersion { get; init => field = OptionValue.AtLeast(0, value, nameof(ConsecutorOptions)); }

    /// <summary>The policy for an accepted entry that the store cannot read any more, because its bytes were changed or are gone;
    /// <see cref="DamagePolicy.Stop"/> by default.</summary>
    public DamagePolicy OnDamage { get; init; }

    /// <summary>
    /// Called when a batch is complete that was sent to this consecutor, or to one whose outputs lead here
    /// (<see cref="Consecutor{T}.OpenBatchAsync"/>); null by default. Called at least once per batch: the end of a batch is an entry of the
    /// stream and counts as an item. The call completes that item; if the call throws, the item is retried or dies, as
    /// <see cref="Delivery"/> says. Calls run concurrently with each other and with items, in no defined order. If code without it gets the
    /// end, the end is parked until code starts that has it. Under <see cref="DeliveryGuarantee.None"/> items are settled before they start:
    /// so the end may be told before they have ended, counts no failure, and is told at most once.
    /// </summary>
    public Func<BatchCompleted, CancellationToken, ValueTask>? OnBatchCompleted { get; init; }

    /// <summary>Receives warnings: texts for people about problems that do not stop the consecutor. Among them are failed attempts and dead
    /// letters, each at most once a minute. Called from any thread. By default, warnings go to
    /// the event source <c>Sluice</c> and, each text once, to standard error.</summary>
    public Action<string>? OnWarning { get; init => field = AsyncVoid.RefuseCallback(value, "ConsecutorOptions.OnWarning"); }

    /// <summary>The options of the pipeline's run: mode, clock, scheduler, state, size of boundaries, seed, time to stop. Its dead letters
    /// are in the store, whatever <see cref="RunOptions.MaxDeadLetters"/> says.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    /// <exception cref="ArgumentException">The options name outputs: those of a consecutor lead to other consecutors.</exception>
    public RunOptions Run
    {
        get;
        init => field = OptionValue.NotNull(value, nameof(ConsecutorOptions)).Outputs.FirstOrDefault() is not { } output ? value
            : throw new ArgumentException($"ConsecutorOptions.Run names the output '{output}', and the run of a consecutor has no reader. "
                + $"An output of a consecutor leads to another consecutor: Output<T>(\"{output}\").To(…).", nameof(value));
    } = new();

    /// <summary>The changes to nodes that have stored state but are missing in the code: renamed or dropped. Empty by default; then such
    /// state stops the start, which lists it.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public IReadOnlyList<StateChange> State { get; init => field = [.. OptionValue.NotNull(value, nameof(ConsecutorOptions))]; } = [];

    /// <summary>The memory budget of keyed state; <see cref="StateMemory.Shared"/> by default, which all consecutors of the process
    /// share.</summary>
    /// <exception cref="ArgumentNullException">Null.</exception>
    public StateMemory StateMemory { get; init => field = OptionValue.NotNull(value, nameof(ConsecutorOptions)); } = StateMemory.Shared;

    /// <summary>Refused: the key is a property of the consecutor, <see cref="Consecutor{T}.Key"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [Obsolete(CompileErrors.KeyAmongOptions, error: true)]
    [SuppressMessage("Design", "CA1044", Justification = "It is only there to be refused; with a getter it would be printed.")]
    public Func<dynamic, object?> Key { init => throw CompileErrors.Refused(); }

    /// <summary>The consecutors of the same process, for exclusive execution. Set by tests, which simulate several processes in
    /// one.</summary>
    internal ExclusiveExecution Process { get; init; } = ExclusiveExecution.OfProcess;
}
