using Sluice.Engine;
using Sluice.Policies;

namespace Sluice.Pipelines;

internal sealed class SingleSource<T>(T item, StageOptions options) : LeafSource<T>(options)
{
    private protected override string Kind => "source";

    private protected override Source<T> With(StageOptions annotated) => new SingleSource<T>(item, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next) => new SinglePump<T>(context, next, item);
}

internal sealed class SinglePump<T>(StageContext context, Inlet<T> next, T item) : SourcePump<T>(context, next)
{
    protected override ValueTask ProduceAsync()
    {
        ValueTask pushed = EmitAsync(item);
        if (!pushed.IsCompletedSuccessfully) Flush();
        return pushed;
    }
}
