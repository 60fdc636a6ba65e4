using Sluice.Engine;
using Sluice.Pipelines;
using Sluice.Policies;

namespace Sluice;

public static partial class Source
{
    /// <summary>Concatenates sources: all items of the first source, then all items of the second, and so on. Ends when all have
    /// ended.</summary>
    /// <remarks>All sources start with the run. A later source buffers its items until the earlier sources have ended: up to
    /// <see cref="RunOptions.MaxBufferedItems"/> items, in single-thread mode one; then it waits.</remarks>
    /// <param name="sources">At least one source.</param>
    /// <exception cref="ArgumentException">There is no source.</exception>
    public static Source<T> Concat<T>(params Source<T>[] sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        if (sources.Length == 0) throw new ArgumentException("There is nothing to put in a row.", nameof(sources));
        return new MergeSource<T>([.. sources], new ConcatOperator<T>(), StageOptions.Default);
    }
}

public static partial class SourceExtensions
{
    /// <summary>Puts out the items of this source, then the items of the other sources, one source after the other.</summary>
    /// <inheritdoc cref="Source.Concat"/>
    [AlsoForPipes]
    public static Source<T> Concat<T>(this Source<T> source, params Source<T>[] others)
        => Source.Concat([NotNull(source), .. NotNull(others)]);
}

internal sealed class ConcatOperator<T> : MergeOperator<T>
{
    public override string Kind => "concat";

    public override bool IsSelective => true;

    public override Inlet<T>[] Create(StageContext context, Inlet<T> next, int inputs) => new ConcatStage<T>(context, next, inputs).Inputs;
}

/// <summary>Takes from one input at a time. An empty input may end before its turn.</summary>
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
