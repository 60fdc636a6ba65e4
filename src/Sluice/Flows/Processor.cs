namespace Sluice;

/// <summary>
/// A function over whole streams, by name: which streams it reads, which it writes. What it does is registered in some service
/// (<see cref="Supervisor.Register(Processor, ProcessorFunction)"/>); flows only need this.
/// </summary>
/// <remarks>Immutable. Two processors are equal if everything about them is.</remarks>
/// <example><code>
/// var foobar = new Processor("foobar") { Inputs = ["foo"], Outputs = ["bar"] };
/// </code></example>
public sealed record Processor
{
    /// <summary>Makes a processor.</summary>
    /// <param name="name">Its name, by which services find it: 1 to 100 characters, no slash, no control character.</param>
    /// <exception cref="ArgumentException">It is no name.</exception>
    public Processor(string name)
    {
        FlowNames.Check(name, nameof(name));
        Name = name;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The streams it reads; its function has <see cref="IO{T}"/> parameters of these names. None unless given: it starts at once then.</summary>
    /// <exception cref="ArgumentException">One of them is no name, or stands there twice.</exception>
    public IReadOnlyList<string> Inputs { get; init => field = FlowNames.CheckAll(value, Name, nameof(Inputs)); } = [];

    /// <summary>The streams it writes. Each stream of a flow is written by one processor.</summary>
    /// <exception cref="ArgumentException">One of them is no name, or stands there twice.</exception>
    public IReadOnlyList<string> Outputs { get; init => field = FlowNames.CheckAll(value, Name, nameof(Outputs)); } = [];

    /// <summary>
    /// Whether it starts only when all its inputs are complete. Until then it keeps them without holding up who writes them; how much may be kept is
    /// <see cref="FlowStreamOptions.MaxKept"/>.
    /// </summary>
    public bool Wait { get; init; }

    /// <summary>From where it goes on after its host has died.</summary>
    public ResumeMode Resume { get; init; }

    /// <summary>How often its function is called again after it has failed; null, as it is unless given, for never: the run fails then.</summary>
    public ProcessorRetry? Retry { get; init; }

    /// <summary>
    /// How long an attempt may work; of a processor that resumes per item, on one item. Time in which the function waits for a value, for room in a stream, or for a run of its own does not count. Then its token is cancelled, and
    /// the attempt has failed when the function has ended. Null, as it is unless given, for ever; more than zero, 49 days at most.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Out of range.</exception>
    public TimeSpan? Timeout { get; init => field = value is { } limit ? Waits.CheckLimit(limit, nameof(Timeout)) : null; }

    /// <summary>Equal if everything about them is.</summary>
    public bool Equals(Processor? other)
        => other is not null && (Name, Wait, Resume, Retry, Timeout) == (other.Name, other.Wait, other.Resume, other.Retry, other.Timeout) && Inputs.SequenceEqual(other.Inputs) && Outputs.SequenceEqual(other.Outputs);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Inputs.Count, Outputs.Count, Wait, Resume);

    /// <summary>For example <c>total: bar -> sum (waits, resumes PerItem)</c>.</summary>
    public override string ToString()
    {
        string[] notes =
        [
            .. Wait ? ["waits"] : (string[])[], .. Resume == ResumeMode.FromScratch ? (string[])[] : [$"resumes {Resume}"],
            .. Retry is null ? (string[])[] : [Retry.ToString()], .. Timeout is { } limit ? [$"{limit} at most"] : (string[])[],
        ];
        return $"{Name}: {string.Join(", ", Inputs)}{(Inputs.Count > 0 ? " " : "")}->{(Outputs.Count > 0 ? " " : "")}{string.Join(", ", Outputs)}{(notes.Length > 0 ? $" ({string.Join(", ", notes)})" : "")}";
    }
}
