using Sluice.Policies;

namespace Sluice.Flows;

/// <summary>A processor: the name of a function, the streams it reads and the streams it writes.</summary>
/// <remarks>
/// Flows need no more than this. A service registers the function itself (<see cref="Supervisor.Register(Processor, ProcessorFunction)"/>).
/// Immutable; equal if all members are equal.
/// </remarks>
/// <example><code>
/// var foobar = new Processor("foobar") { Inputs = ["foo"], Outputs = ["bar"] };
/// </code></example>
public sealed record Processor
{
    /// <summary>Makes a processor.</summary>
    /// <param name="name">The name, by which services find the processor: 1 to 100 characters, without slashes and control
    /// characters.</param>
    /// <exception cref="ArgumentException">The name is invalid.</exception>
    public Processor(string name)
    {
        FlowNames.CheckProcessor(name, nameof(name));
        Name = name;
    }

    /// <summary>The name of the processor.</summary>
    public string Name { get; }

    /// <summary>
    /// The streams it reads; its function has <see cref="IO{T}"/> parameters of these names. Empty by default: the processor starts at
    /// once.
    /// </summary>
    /// <exception cref="ArgumentException">A name is invalid, or occurs twice.</exception>
    public IReadOnlyList<string> Inputs { get; init => field = FlowNames.CheckAll(value, Name, nameof(Inputs)); } = [];

    /// <summary>The streams it writes. Each stream of a flow has one writer.</summary>
    /// <exception cref="ArgumentException">A name is invalid, or occurs twice.</exception>
    public IReadOnlyList<string> Outputs { get; init => field = FlowNames.CheckAll(value, Name, nameof(Outputs)); } = [];

    /// <summary>Whether it starts only when all its inputs are complete.</summary>
    /// <remarks>
    /// Until then, its inputs are kept without holding up their writers, up to <see cref="FlowStreamOptions.MaxKept"/> values.
    /// </remarks>
    public bool Wait { get; init; }

    /// <summary>Where it resumes after its host has died.</summary>
    public ResumeMode Resume { get; init; }

    /// <summary>How often, and with which pauses, a failed function is called again; null (the default) fails the run at once.</summary>
    public ProcessorRetry? Retry { get; init; }

    /// <summary>
    /// The time limit of an attempt, or of one item if it resumes per item; null (the default) for none. More than zero, 49 days at most.
    /// </summary>
    /// <remarks>
    /// Time in which the function waits for a value, for room in a stream, or for a run that it awaits does not count, nor does time in
    /// which the store does not answer.
    /// At the limit, the function's token is cancelled; once the function has ended, the attempt has failed.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The time is out of range.</exception>
    public TimeSpan? Timeout { get; init => field = value is { } limit ? Waits.CheckLimit(limit, nameof(Timeout)) : null; }

    /// <summary>Whether all members are equal.</summary>
    public bool Equals(Processor? other)
        => other is not null && (Name, Wait, Resume, Retry, Timeout) == (other.Name, other.Wait, other.Resume, other.Retry, other.Timeout)
        && Inputs.SequenceEqual(other.Inputs) && Outputs.SequenceEqual(other.Outputs);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Inputs.Count, Outputs.Count, Wait, Resume);

    /// <summary>Describes the processor, for example <c>total: bar -> sum (waits, resumes PerItem)</c>.</summary>
    public override string ToString()
    {
        string[] notes =
        [
            .. Wait ? ["waits"] : (string[])[], .. Resume == ResumeMode.FromScratch ? (string[])[] : [$"resumes {Resume}"],
            .. Retry is null ? (string[])[] : [Retry.ToString()],
            .. Timeout is { } limit ? [$"{DurationText.Of(limit)} at most"] : (string[])[],
        ];
        return $"{Name}: {string.Join(", ", Inputs)}{(Inputs.Count > 0 ? " " : "")}->{(Outputs.Count > 0 ? " " : "")}{string.Join(", ", Outputs)}{(notes.Length > 0 ? $" ({string.Join(", ", notes)})" : "")}";
    }
}
