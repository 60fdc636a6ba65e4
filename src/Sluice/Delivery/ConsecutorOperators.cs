using System.Runtime.CompilerServices;
using Sluice.Delivery;
using Sluice.Pipelines;

namespace Sluice;

/// <summary>Wires producers to consecutors: <c>producer | consecutor</c>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class ConsecutorOperators
{
    extension<T>(Source<T>)
    {
        /// <summary>
        /// A pipeline that sends all items of a source to a consecutor. An item is acknowledged (its root ends) when it is durable; items
        /// that are at hand share an append. A resumable producer (<c>Source.Resumable</c>) continues at its stored position.
        /// </summary>
        public static Pipeline operator |(Source<T> source, Consecutor<T> consecutor)
        {
            ArgumentNullException.ThrowIfNull(source);
            ArgumentNullException.ThrowIfNull(consecutor);
            return source.To(new AcceptSink<T>(consecutor));
        }
    }

    extension<T>(IAsyncEnumerable<T>)
    {
        /// <summary>A pipeline that sends all items of a sequence to a consecutor.</summary>
        public static Pipeline operator |(IAsyncEnumerable<T> items, Consecutor<T> consecutor) => Source.From(items) | consecutor;
    }

    extension<T, TOther>(Source<T>)
    {
        /// <summary>Refused: the consecutor takes items of another type.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Consecutor, error: true)]
        public static Pipeline operator |(Source<T> source, Consecutor<TOther> wrong) => throw CompileErrors.Refused();
    }

    extension<T, TOther>(IAsyncEnumerable<T>)
    {
        /// <summary>Refused: the consecutor takes items of another type.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Consecutor, error: true)]
        public static Pipeline operator |(IAsyncEnumerable<T> items, Consecutor<TOther> wrong) => throw CompileErrors.Refused();
    }
}
