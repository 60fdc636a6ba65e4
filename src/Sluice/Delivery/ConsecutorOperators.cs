using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Wires producers to consecutors: <c>producer | consecutor</c>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class ConsecutorOperators
{
    extension<T>(Source<T>)
    {
        /// <summary>
        /// A pipeline that sends everything to a consecutor. Items are acknowledged (their roots end) when they are durable; what is at hand goes into one
        /// append. A producer that can resume (<c>Source.Resumable</c>) goes on where it was.
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
        /// <summary>A pipeline that sends everything to a consecutor.</summary>
        public static Pipeline operator |(IAsyncEnumerable<T> items, Consecutor<T> consecutor) => Source.From(items) | consecutor;
    }

    extension<T, TOther>(Source<T>)
    {
        /// <summary>Refused: <c>source | a consecutor of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Consecutor, error: true)]
        public static Pipeline operator |(Source<T> source, Consecutor<TOther> wrong) => throw CompileErrors.Refused();
    }

    extension<T, TOther>(IAsyncEnumerable<T>)
    {
        /// <summary>Refused: <c>items | a consecutor of other items</c>.</summary>
        [OverloadResolutionPriority(-1)]
        [Obsolete(CompileErrors.Consecutor, error: true)]
        public static Pipeline operator |(IAsyncEnumerable<T> items, Consecutor<TOther> wrong) => throw CompileErrors.Refused();
    }
}
