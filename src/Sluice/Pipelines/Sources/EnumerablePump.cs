using Sluice.Engine;

namespace Sluice.Pipelines;

internal sealed class EnumerablePump<T>(StageContext context, Inlet<T> next, IEnumerable<T> items) : SourcePump<T>(context, next)
{
    protected override async ValueTask ProduceAsync()
    {
        using IEnumerator<T> enumerator = Open();
        while (true)
        {
            ValueTask pushed = PushSome(enumerator, out bool ended);
            if (ended) return;
            Flush();
            await pushed;
        }
    }

    private IEnumerator<T> Open()
    {
        try
        {
            return items.GetEnumerator();
        }
        catch (Exception e)
        {
            throw Failure(e);
        }
    }

    /// <summary>Pushes until the end, or until a push has to wait.</summary>
    /// <remarks>One try for the whole loop: <c>inUserCode</c> tells whose failure it is.</remarks>
    private ValueTask PushSome(IEnumerator<T> enumerator, out bool ended)
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
