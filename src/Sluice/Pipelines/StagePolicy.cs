using Sluice.Diagnostics;
using Sluice.Policies;

namespace Sluice;

/// <summary>One or more annotations of a stage; see <see cref="Stage"/>. Immutable.</summary>
public sealed class StagePolicy
{
    private const int MaxLanes = 1024;
    private const int MaxRetries = 1_000_000;

    private const int MaxName = 1000;

    private static readonly Backoff DefaultBackoff = Backoff.Exponential(TimeSpan.FromMilliseconds(100));

    private readonly string text;
    private readonly Func<StageOptions, StageTraits, StageOptions> apply;

    private StagePolicy(string text, Func<StageOptions, StageTraits, StageOptions> apply) => (this.text, this.apply) = (text, apply);

    internal static StagePolicy None { get; } = new("Stage", static (options, _) => options);

    /// <inheritdoc cref="Stage.Unordered"/>
    public StagePolicy Unordered => And(nameof(Unordered), static (options, _) => options with { Ordered = false });

    /// <inheritdoc cref="Stage.Parallel"/>
    public StagePolicy Parallel(int lanes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lanes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lanes, MaxLanes);
        string text = $"Parallel({lanes})";
        return And(text, (options, stage) => stage switch
        {
            _ when lanes == 1 => options with { Parallel = 1 },
            { IsKeyed: true } => throw Refused(text, "the stage runs in lanes by key already. Say there how many"),
            { Stateful: { } why } => throw Refused(
                text, $"a {stage.Kind} stage {why}" + (stage.CanBeKeyed ? ". Use Stage.KeyBy in front of it to run it in lanes by key"
                    : "")),
            _ => options with { Parallel = lanes },
        });
    }

    /// <inheritdoc cref="Stage.Blocking"/>
    public StagePolicy Blocking() => And("Blocking()", static (options, stage) => stage switch
    {
        { IsKeyed: true } => throw Refused("Blocking()",
            "the stage runs in lanes by key, which share the threads of the pool. Put the work that blocks into a stage behind it"),
        { Stateful: { } why } => throw Refused("Blocking()",
            $"a {stage.Kind} stage {why}. Put the work that blocks into a stage of its own"),
        _ => options with { Blocks = true },
    });

    /// <inheritdoc cref="Stage.Retry"/>
    public StagePolicy Retry(int retries, Backoff? backoff = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(retries);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(retries, MaxRetries);
        string text = $"Retry({retries})";
        return And(text, (options, stage) => stage.Stateful is { } why && retries > 0
            ? throw Refused(text,
            $"a {stage.Kind} stage {why}, and an attempt would leave its traces. Put the work that may fail into a stage of its own")
            : options with { Retries = retries, Backoff = backoff ?? DefaultBackoff });
    }

    /// <inheritdoc cref="Stage.Timeout"/>
    public StagePolicy Timeout(TimeSpan limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, Waits.Longest);
        string text = $"Timeout({DurationText.Of(limit)})";
        return And(text, (options, stage) => stage.IsTimed && stage.IsAsynchronous
            ? throw Refused(text,
            $"a {stage.Kind} with timers also acts between the attempts. Limit the time of what may take long inside of it, by a "
                + $"CancellationTokenSource")
            : stage.IsAsynchronous ? options with { Timeout = limit }
            : throw Refused(text,
                $"the {stage.Kind} stage is synchronous, and cannot be interrupted. Make its function asynchronous, with a "
                    + $"CancellationToken"));
    }

    /// <inheritdoc cref="Stage.OnError"/>
    public StagePolicy OnError(ErrorPolicy policy)
    {
        if (!Enum.IsDefined(policy)) throw new ArgumentOutOfRangeException(nameof(policy), policy, "Not a policy.");
        string text = $"OnError({policy})";
        return And(text, (options, stage) => stage.IsTimed && policy != Sluice.ErrorPolicy.Stop
            ? throw Refused(text,
            $"a {stage.Kind} stage puts items out when time has passed, not in an attempt at one item. Put the work that may fail into a "
                + $"stage of its own")
            : options with { OnError = policy });
    }

    /// <inheritdoc cref="Stage.Bisect"/>
    public StagePolicy Bisect => And(nameof(Bisect), static (options, stage) => stage switch
    {
        { Stateful: { } why } => throw Refused(nameof(Bisect),
            $"a {stage.Kind} stage {why}, and what failed would leave its traces. Put the work that may fail into a stage of its own"),
        { Input: { } input } when !ListParts.Fit(input) => throw Refused(
            nameof(Bisect),
                $"the {stage.Kind} stage takes {TypeNames.Of(input)}, which is no list that could be divided. Put it behind a stage that "
                    + $"takes lists: an array as a Chunk makes it, List<T>, IReadOnlyList<T> or IList<T>"),
        _ => options with { Bisects = true },
    });

    /// <inheritdoc cref="Stage.Named"/>
    public StagePolicy Named(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (HalfCharacters.IndexIn(name) is >= 0 and var half)
            throw new ArgumentException(
                $"The name of a node has whole characters only, since stores keep it; this one has half of a character (an unpaired "
                    + $"surrogate), U+{(int)name[half]:X4}, as character {half + 1}.", nameof(name));
        int control = 0;
        while (control < name.Length && !char.IsControl(name[control])) control++;
        if (control < name.Length || name.Length > MaxName)
            throw new ArgumentException($"The name of a node has {MaxName:N0} characters at most, none of them a control character such as "
                + $"a line break, since stores keep it; this one has "
                + (control < name.Length ? $"U+{(int)name[control]:X4} as character {control + 1}." : $"{name.Length:N0} characters."),
                nameof(name));
        return And($"Named(\"{name}\")", (options, _) => options with { Name = name });
    }

    /// <inheritdoc cref="Stage.Buffer"/>
    public StagePolicy Buffer(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        string text = $"Buffer({capacity})";
        return And(text, (options, stage) => stage.IsSink
            ? throw Refused(text, "a sink puts nothing out that could be buffered. Put the buffer in front of it")
            : options with { Buffer = capacity });
    }

    /// <inheritdoc cref="Stage.Log"/>
    public StagePolicy Log(Action<ItemLogEntry> log)
    {
        ArgumentNullException.ThrowIfNull(log);
        AsyncVoid.RefuseCallback(log);
        return And("Log(…)", (options, _) => options with { Log = log });
    }

    /// <summary>Adds a log to the log that the stage may already have.</summary>
    internal static StagePolicy AlsoLog(Action<ItemLogEntry> log)
        => None.And("Log(…)", (options, _) => options with { Log = options.Log + log });

    /// <summary>For example <c>Stage.Parallel(8).Retry(3)</c>.</summary>
    public override string ToString() => text;

    internal StageOptions Apply(StageOptions options, StageTraits stage) => apply(options, stage);

    private static InvalidOperationException Refused(string policy, string why) => new($"Stage.{policy} does not fit here: {why}.");

    private StagePolicy And(string more, Func<StageOptions, StageTraits, StageOptions> then)
        => new($"{text}.{more}", (options, stage) => then(apply(options, stage), stage));
}
