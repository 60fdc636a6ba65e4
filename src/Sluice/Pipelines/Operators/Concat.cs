namespace Sluice;

public static partial class Source
{
    /// <summary>All items of the first source, then all of the second, and so on; ends when all have ended.</summary>
    /// <remarks>
    /// All sources start with the run. What a later one brings waits until those before it have ended: up to
    /// <see cref="RunOptions.MaxBufferedItems"/> items of it, in single-thread mode one; then it is held up.
    /// </remarks>
    /// <param name="sources">At least one.</param>
    /// <exception cref="ArgumentException">No source.</exception>
    public static Source<T> Concat<T>(params Source<T>[] sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        if (sources.Length == 0) throw new ArgumentException("There is nothing to put in a row.", nameof(sources));
        return new MergeSource<T>([.. sources], new ConcatOperator<T>(), StageOptions.Default);
    }
}

public static partial class Operators
{
    /// <summary>The items of this source, then those of the others, one source after the other.</summary>
    /// <inheritdoc cref="Source.Concat"/>
    public static Source<T> Concat<T>(this Source<T> source, params Source<T>[] others) => Source.Concat([NotNull(source), .. NotNull(others)]);

    /// <summary>What comes out of this pipe, then the items of the sources, one after the other.</summary>
    /// <inheritdoc cref="Source.Concat"/>
    public static Pipe<TIn, T> Concat<TIn, T>(this Pipe<TIn, T> pipe, params Source<T>[] others)
        => NotNull(pipe).Then(source => source.Concat(others));
}

internal sealed class ConcatOperator<T> : MergeOperator<T>
{
    public override string Kind => "concat";

    public override bool IsSelective => true;

    public override Inlet<T>[] Create(StageContext context, Inlet<T> next, int inputs) => new ConcatStage<T>(context, next, inputs).Inputs;
}

/// <summary>One input is ready at a time. An empty one may end before its turn.</summary>
internal sealed class ConcatStage<T> : IUpstream
{
    private readonly StageContext context;
    private readonly Inlet<T> next;
    private readonly Input[] inputs;
    private int turn;

    public ConcatStage(StageContext context, Inlet<T> next, int count)
    {
        (this.context, this.next) = (context, next);
        inputs = new Input[count];
        for (int i = 0; i < count; i++) inputs[i] = new Input(this, i);
        next.Attach(this);
    }

    public Inlet<T>[] Inputs => [.. inputs];

    public void Stop()
    {
        foreach (Input input in inputs) input.Upstream?.Stop();
    }

    private ValueTask Advance()
    {
        while (turn < inputs.Length && inputs[turn].IsOver) turn++;
        return turn == inputs.Length ? next.CompleteAsync() : default;
    }

    private sealed class Input : Inlet<T>
    {
        private readonly ConcatStage<T> stage;
        private readonly int place;

        public Input(ConcatStage<T> stage, int place) => (this.stage, this.place, Node) = (stage, place, stage.context.Node);

        public bool IsOver { get; private set; }

        public override bool IsSelective => true;

        public override bool IsReady => stage.turn == place;

        public override ValueTask PushAsync(T item, Ticket? ticket)
        {
            stage.context.In++;
            stage.context.Out++;
            return stage.next.PushAsync(item, ticket);
        }

        public override void Flush() => stage.next.Flush();

        protected override ValueTask OnCompleteAsync()
        {
            IsOver = true;
            return stage.Advance();
        }
    }
}
