namespace Sluice.Pipelines;

internal sealed class EnumerablePump<T>(StageContext context, Inlet<T> next, IEnumerable<T> items) : SequencePump<T>(context, next)
{
    protected override IEnumerator<T> Open() => items.GetEnumerator();

    /// <inheritdoc/>
    /// <remarks>One try for the whole loop: <c>inUserCode</c> tells whose failure it is.</remarks>
    protected override ValueTask PushSome(IEnumerator<T> enumerator, out bool ended)
    {
        ended = false;
        bool inUserCode = false;
        MayGoOutside();
        try
        {
            while (GoOutside())
            {
                inUserCode = true;
                bool more = enumerator.MoveNext();
                T item = more ? enumerator.Current : default!;
                inUserCode = false;
                if (!ComeBack() || !more) break;
                ValueTask pushed = EmitAsync(item);
                if (!pushed.IsCompletedSuccessfully) return pushed;
            }
        }
        catch (Exception e) when (inUserCode)
        {
            ComeBack();
            throw Failure(e);
        }
        ended = true;
        return default;
    }
}
