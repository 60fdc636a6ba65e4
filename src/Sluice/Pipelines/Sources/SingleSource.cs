using Sluice.Policies;

namespace Sluice.Pipelines;

/// <summary>A source of one item.</summary>
internal sealed class SingleSource<T>(T item, StageOptions options) : LeafSource<T>(options)
{
    private protected override string Kind => "source";

    private protected override Source<T> With(StageOptions annotated) => new SingleSource<T>(item, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next) => new SinglePump(context, next, item);

    private sealed class SinglePump(StageContext context, Inlet<T> next, T item) : SourcePump<T>(context, next)
    {
        protected override ValueTask ProduceAsync() => Flushed(EmitAsync(item));
    }
}
